/** What the sources of settings have in common, and the simplest of them, the environment. */
import { parsed } from "./kinds.ts";
import { type Setting, settingList, type ValuesOf } from "./schema.ts";
import { unknownName } from "./unknown-name.ts";

/** A setting as one source gives it, not yet parsed. */
export interface Given {
  readonly setting: Setting;
  readonly text: string;
  /** The setting in the spelling of its source, so that an error points at what to change. */
  readonly name: string;
}

/** What was found in one source. */
export interface SourceContent {
  readonly given: readonly Given[];
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** Variables of the test suite, which a developer may have set in the shell that starts the service. */
const testPrefix = "APP_TEST_";

/** Reads the environment. Unknown names only warn, since platforms inject variables. */
export function readEnvironment(environment: Readonly<Record<string, string | undefined>>): SourceContent {
  const knownNames = settingList.map((setting) => setting.environmentName);
  const unknown = Object.keys(environment).filter(
    (name) => name.startsWith("APP_") && !name.startsWith(testPrefix) && !knownNames.includes(name),
  );
  return {
    given: settingList.flatMap((setting) => {
      const text = environment[setting.environmentName];
      return text ? [{ setting, text, name: setting.environmentName }] : [];
    }),
    problems: [],
    warnings: unknown.map((name) => unknownName(name, knownNames, " and ignored")),
  };
}

/** The values in force: of each setting that of its strongest source, else its default. */
export interface Values {
  get<T>(setting: Setting<T>): T;
  /** The values of a table of settings, by its keys. */
  of<Table extends Readonly<Record<string, Setting>>>(table: Table): ValuesOf<Table>;
  /** The setting in the spelling of its strongest source. Undefined if no source gives it. */
  nameOf(setting: Setting): string | undefined;
  /** These settings in the spelling of each source that gives one, the weakest source first. */
  namesOf(settings: readonly Setting[]): readonly string[];
  /** The values that would be in force if no source gave these settings. */
  without(settings: readonly Setting[]): Values;
}

/** Takes what the sources give, the weakest first. All of it must be free of problems. */
export function createValues(given: readonly Given[]): Values {
  const find = (setting: Setting) => given.findLast((one) => one.setting === setting);
  const get: Values["get"] = (setting) => {
    const text = find(setting)?.text;
    return text === undefined ? setting.defaultValue : parsed(setting.kind, text);
  };
  return {
    get,
    of: <Table extends Readonly<Record<string, Setting>>>(table: Table) =>
      Object.fromEntries(Object.entries(table).map(([key, setting]) => [key, get(setting)])) as ValuesOf<Table>,
    nameOf: (setting) => find(setting)?.name,
    namesOf: (settings) => given.filter(({ setting }) => settings.includes(setting)).map(({ name }) => name),
    without: (settings) => createValues(given.filter(({ setting }) => !settings.includes(setting))),
  };
}
