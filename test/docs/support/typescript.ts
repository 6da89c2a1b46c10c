/** TypeScript of the documents: compiled by the project's rules, then run as a module in a separate folder. */
import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { projectRoot } from "./snippets.ts";

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

/** Compiles the text without writing, then runs it. Rejects with what the compiler or the module wrote. */
export async function runTypeScript(text: string): Promise<string> {
  await using folder = await createModuleFolder();
  await writeFile(join(folder.path, "snippet.ts"), text);
  const options = { cwd: folder.path, timeout: 60_000 };
  const compiled = run(join(projectRoot, "node_modules", ".bin", "tsc"), [], options);
  await compiled.catch(({ stdout }: { readonly stdout: string }) => Promise.reject(new Error(stdout)));
  return (await run(process.execPath, ["snippet.ts"], options)).stdout;
}
