/** What the sources of settings have in common, and the simplest of them, the environment. */
import { parsed } from "./kinds.ts";
import { type Setting, settingList, type ValuesOf } from "./schema.ts";

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

/** Describes a name that no setting has, for a message: with the known name that is probably meant, if one is close. */
export function unknownName(name: string, knownNames: readonly string[], consequence = ""): string {
  const completions = knownNames.filter((known) => name.length >= 5 && known.startsWith(name));
  // Short names are all close to each other, so only a longer one may differ in two places.
  const allowedEdits = Math.min(2, Math.floor(name.length / 5));
  const [closest] = knownNames
    .map((known) => ({ known, edits: editDistance(name, known) }))
    .filter(({ edits }) => edits <= allowedEdits)
    .sort((left, right) => left.edits - right.edits);
  const meant = completions.length === 1 ? completions[0] : closest?.known;
  // After a colon or a blank a secret may follow.
  const printable = name.replace(/[^\w.-].*$/s, "...");
  return `${printable} is unknown${consequence}${meant === undefined ? "" : `; did you mean ${meant}?`}`;
}

/** The number of insertions, deletions and replacements that turn one word into the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  let costs = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [row, letter] of [...from].entries()) {
    const above = costs;
    costs = [row + 1];
    for (let column = 1; column <= to.length; column++) {
      const [diagonal = 0, up = 0, left = 0] = [above[column - 1], above[column], costs[column - 1]];
      costs.push(Math.min(up + 1, left + 1, diagonal + (letter === to[column - 1] ? 0 : 1)));
    }
  }
  return costs[to.length] ?? 0;
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
