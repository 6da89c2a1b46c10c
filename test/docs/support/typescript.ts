/** TypeScript of the documents: compiled by the project's rules, then run as a module in a separate folder. */
import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { projectRoot } from "../../support/project-root.ts";

const run = promisify(execFile);

/** A folder in which a module finds the packages and the generated code, as it would in the project's own. */
export async function createModuleFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "frontrow-snippet-"));
  // The embedded PostgreSQL runs as another user under root, and must be able to enter.
  await chmod(path, 0o755);
  for (const name of ["node_modules", "gen"]) await symlink(join(projectRoot, name), join(path, name));
  await writeFile(join(path, "package.json"), '{ "type": "module" }');
  await writeFile(
    join(path, "tsconfig.json"),
    // A snippet shows how a value is made, not how it is used.
    JSON.stringify({
      extends: join(projectRoot, "tsconfig.json"),
      compilerOptions: { noUnusedLocals: false, typeRoots: [join(projectRoot, "node_modules", "@types")] },
      include: ["*.ts"],
    }),
  );
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Compiles texts by the project's rules without writing. Rejects with what the compiler finds. */
export async function compileTypeScript(texts: readonly string[]): Promise<void> {
  await using folder = await createModuleFolder();
  await Promise.all(texts.map((text, index) => writeFile(join(folder.path, `snippet-${index + 1}.ts`), text)));
  const compiled = run(join(projectRoot, "node_modules", ".bin", "tsc"), [], { cwd: folder.path, timeout: 60_000 });
  await compiled.catch(({ stdout }: { readonly stdout: string }) => Promise.reject(new Error(stdout)));
}

/** Runs the text as a module and resolves with what it prints. */
export async function runTypeScript(text: string): Promise<string> {
  await using folder = await createModuleFolder();
  await writeFile(join(folder.path, "snippet.ts"), text);
  return (await run(process.execPath, ["snippet.ts"], { cwd: folder.path, timeout: 60_000 })).stdout;
}
