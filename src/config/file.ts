import { parseDocument, type YAMLParseError, type YAMLWarning } from "yaml";
import { type Setting, settingList } from "./schema.ts";
import { type Given, type SourceContent, unknownName } from "./sources.ts";

const settingByPath = new Map(settingList.map((setting) => [setting.path, setting]));
const sections = new Set(settingList.flatMap(({ path }) => (path.includes(".") ? [path.split(".")[0]] : [])));
const knownPaths = [...settingByPath.keys()];

/** Most errors follow from the first one. */
const maxErrors = 5;

/** Reads the text of a YAML file. `label` is the file's name in problems. */
export function readYaml(label: string, text: string): SourceContent {
  // Failsafe leaves every value the text it was written as: a password of 0123 does not become 123.
  const document = parseDocument(text, { schema: "failsafe", customTags: ["null"], stringKeys: true });
  const errors = [...document.errors, ...document.warnings].slice(0, maxErrors);
  if (errors.length > 0) return { given: [], problems: errors.map((error) => describe(label, error)), warnings: [] };
  try {
    return readRoot(label, document.toJS());
  } catch {
    // The library resolves and counts aliases only here.
    return { given: [], problems: [`${label}: not valid YAML (bad alias); ${starHint}`], warnings: [] };
  }
}

const starHint = "a value that begins with * needs quotes";

/** The parser's own message quotes the file, and possibly a password: only the line and the kind of error are shown. */
function describe(label: string, { code, linePos }: YAMLParseError | YAMLWarning): string {
  const kind = code.toLowerCase().replaceAll("_", " ");
  const hint = code === "BAD_ALIAS" ? `; ${starHint}` : "";
  return `${label}, line ${linePos?.[0].line ?? "unknown"}: not valid YAML (${kind})${hint}`;
}

function readRoot(label: string, root: unknown): SourceContent {
  const given: Given[] = [];
  const problems: string[] = [];
  if (isMapping(root)) readSection(root, "");
  else if (root !== null) problems.push(`${label}: does not consist of lines like "rest_port: 8080"`);
  return { given, problems, warnings: [] };

  function readSection(section: object, prefix: string): void {
    for (const [key, value] of Object.entries(section)) {
      const path = `${prefix}${key}`;
      const setting = settingByPath.get(path);
      if (sections.has(path)) {
        if (isMapping(value)) readSection(value, `${path}.`);
        else if (value !== null) problems.push(`${label}: ${path} is not a section with settings`);
      } else if (setting === undefined) {
        problems.push(`${label}: ${unknownName(path, knownPaths)}`);
      } else if (value !== null) {
        readValue(setting, value, `${label}: ${path}`);
      }
    }
  }

  function readValue(setting: Setting, value: unknown, name: string): void {
    const text = Array.isArray(value) ? value.join(",") : value;
    if (typeof text !== "string") problems.push(`${name} is a section, but one value is needed`);
    else if (value === "") problems.push(`${name} is empty`);
    else if (!Array.isArray(value)) given.push({ setting, text, name });
    else if (!setting.kind.isList) problems.push(`${name} is a list, but one value is needed`);
    else if (value.some((entry) => typeof entry !== "string"))
      problems.push(`${name} is a list with more than plain values in it`);
    else given.push({ setting, text, name });
  }
}

function isMapping(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
