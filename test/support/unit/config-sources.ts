/** Configurations of a project whose files a test writes. */
import { ConfigError, type ConfigInput, loadConfig } from "../../../src/config/load.ts";

export const projectRoot = "/srv/frontrow";
export const defaultFile = "/srv/frontrow/config/config.yaml";

export interface Sources {
  readonly argv?: readonly string[];
  readonly env?: ConfigInput["env"];
  /** The content of the default file. */
  readonly yaml?: string | undefined;
  readonly files?: Readonly<Record<string, string>>;
  readonly cores?: number;
}

export function load({ argv = [], env = {}, yaml, files = {}, ...machine }: Sources) {
  const all: Record<string, string | undefined> = { [defaultFile]: yaml, ...files };
  return loadConfig({ argv, env, readFile: (path) => all[path], projectRoot, ...machine });
}

/** What is wrong with a configuration; nothing if it loads. */
export function problemsOf(sources: Sources): readonly string[] {
  try {
    load(sources);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}
