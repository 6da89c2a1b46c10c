/** A copy of the project's files as git knows them, in which snippets may write, start servers and install packages. */
import { execFileSync } from "node:child_process";
import { chmod, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { findPostmaster, stopPostmaster } from "@frontrow/embedded-postgres";
import { projectRoot } from "../../support/project-root.ts";

export interface ProjectCopy extends AsyncDisposable {
  readonly path: string;
  /** The environment of a terminal in it. */
  readonly env: NodeJS.ProcessEnv;
}

interface CopyOptions {
  /** Whether `npm ci` has yet to run. Otherwise the packages are those of the project, which the copy must not change. */
  readonly isFresh?: boolean;
}

/** Copies the files. The end of the copy stops its embedded PostgreSQL if a snippet left it running. */
export async function copyProject({ isFresh = false }: CopyOptions = {}): Promise<ProjectCopy> {
  const path = await mkdtemp(join(tmpdir(), "frontrow-copy-"));
  // Under root the embedded PostgreSQL runs as another user, which must be able to enter.
  await chmod(path, 0o755);
  const names = execFileSync("git", ["ls-files", "-z"], { cwd: projectRoot });
  const files = execFileSync("tar", ["--create", "--null", "--files-from", "-"], {
    ...{ cwd: projectRoot, input: names, maxBuffer: 256 * 1024 * 1024 },
  });
  execFileSync("tar", ["--extract"], { cwd: path, input: files });
  if (!isFresh) await symlink(join(projectRoot, "node_modules"), join(path, "node_modules"));
  const { PATH = "", ...rest } = process.env;
  // npm puts node_modules/.bin into PATH, whose Node.js a reader does not have before `npm ci`.
  const folders = PATH.split(delimiter).filter((folder) => !isFresh || !folder.includes("node_modules"));
  // Settings of the test run are not those of a reader.
  const env = Object.entries(rest).filter(([name]) => !/^(APP|npm|OTEL|VITEST)_|^NODE_ENV$|^(TEST|VITEST)$/.test(name));
  return {
    path,
    env: { ...Object.fromEntries(env), npm_config_prefer_offline: "true", PATH: folders.join(delimiter) },
    async [Symbol.asyncDispose]() {
      const left = await findPostmaster(join(path, ".data"));
      if (left) await stopPostmaster(join(path, ".data"), left);
      await rm(path, { recursive: true, force: true });
    },
  };
}
