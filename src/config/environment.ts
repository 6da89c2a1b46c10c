import { settingList } from "./settings.ts";
import type { Given, SourceContent } from "./sources.ts";
import { printableName } from "./sources.ts";
import { suggestion } from "./suggest.ts";

const prefix = "APP_";
/** Set by developers for the test suite, in the same shell that starts the service. */
const testPrefix = "APP_TEST_";

/** Reads the environment. Unknown names only warn, since platforms put variables of their own there. */
export function readEnvironment(environment: Readonly<Record<string, string | undefined>>): SourceContent {
  const given: Given[] = settingList.flatMap((setting) => {
    const text = environment[setting.environmentName];
    return text === undefined || text === "" ? [] : [{ setting, text, name: setting.environmentName }];
  });
  const knownNames = settingList.map((setting) => setting.environmentName);
  const warnings = Object.keys(environment)
    .filter((name) => name.startsWith(prefix) && !name.startsWith(testPrefix) && !knownNames.includes(name))
    .map((name) => `${printableName(name)} is unknown and ignored${suggestion(name, knownNames)}`);
  return { given, problems: [], warnings };
}
