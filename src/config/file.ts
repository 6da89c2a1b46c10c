import type { YAMLParseError, YAMLWarning } from "yaml";
import { parseDocument } from "yaml";
import type { Setting } from "./settings.ts";
import { settingList } from "./settings.ts";
import type { Given, SourceContent } from "./sources.ts";
import { printableName } from "./sources.ts";
import { suggestion } from "./suggest.ts";

const settingByPath = new Map(settingList.map((setting) => [setting.path, setting]));
const sections = new Set(settingList.flatMap(({ path }) => (path.includes(".") ? [path.split(".")[0]] : [])));
const knownPaths = [...settingByPath.keys()];

/** Reads the text of a YAML file; `label` is what errors call the file. */
export function readYaml(label: string, text: string): SourceContent {
  // Failsafe leaves every value the text it was written as: a password of 0123 stays that and does not become 123.
  const document = parseDocument(text, { schema: "failsafe", customTags: ["null"], stringKeys: true });
  const syntaxProblems = [...document.errors, ...document.warnings].map((error) => describe(label, error));
  if (syntaxProblems.length > 0) return { given: [], problems: syntaxProblems, warnings: [] };
  try {
    return readRoot(label, document.toJS());
  } catch {
    // Aliases are looked up, and counted, only here.
    return { given: [], problems: [`${label}: not valid YAML (bad alias); ${starHint}`], warnings: [] };
  }
}

const starHint = "a value that begins with * needs quotes";

/** The parser's own messages quote the file, and with it perhaps a password: tell the place and the kind of error only. */
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
      if (sections.has(path) && isMapping(value)) {
        readSection(value, `${path}.`);
      } else if (sections.has(path)) {
        if (value !== null) problems.push(`${label}: ${path} is not a section with settings of its own`);
      } else if (setting === undefined) {
        problems.push(`${label}: ${printableName(path)} is unknown${suggestion(path, knownPaths)}`);
      } else if (value !== null) {
        readValue(setting, value, `${label}: ${path}`);
      }
    }
  }

  function readValue(setting: Setting, value: unknown, name: string): void {
    if (typeof value === "string") {
      if (value === "") problems.push(`${name} is empty`);
      else given.push({ setting, text: value, name });
    } else if (!Array.isArray(value)) {
      problems.push(`${name} is a section, but one value is needed`);
    } else if (setting.kind.takesList !== true) {
      problems.push(`${name} is a list, but one value is needed`);
    } else if (!value.every((entry) => typeof entry === "string")) {
      problems.push(`${name} is a list with more than plain values in it`);
    } else {
      given.push({ setting, text: value.join(","), name });
    }
  }
}

function isMapping(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
