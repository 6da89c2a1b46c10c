/** The documents that derive from the table of settings. */
import { defaultWaitText } from "./flags.ts";
import { duration } from "./kinds.ts";
import { type Setting, sections } from "./schema.ts";

/** What `--help` prints. */
export function helpText(): string {
  const settings = Object.entries(sections).flatMap(([title, list]) => [
    `${title}:`,
    ...list.flatMap((setting) => [
      row(`${setting.flag} VALUE`, setting.environmentName, setting.defaultText || "(none)"),
      `      ${explanation(setting)}`,
    ]),
    "",
  ]);
  return [
    "Frontrow: concert ticket reservation over gRPC, gRPC-Web, Connect and REST.",
    "",
    "Usage: npm start -- [flags]",
    "",
    "  --migrate                 bring the database up to date and exit",
    "  --wait-for-db[=DURATION]  wait for the database to come up before anything else",
    `                            (default ${defaultWaitText}; ${duration.expects})`,
    "  --config FILE             read settings from this YAML file (default: config/config.yaml, if it exists)",
    "  --version                 print the version and exit",
    "  -h, --help                print this help and exit",
    "",
    "A flag wins over the environment, which wins over the YAML file, which wins over the default.",
    "Without a database setting (url to sslmode) the service starts an embedded PostgreSQL.",
    "",
    row("FLAG", "ENVIRONMENT", "DEFAULT"),
    "",
    ...settings,
  ].join("\n");
}

function row(flag: string, environmentName: string, defaultText: string): string {
  return `  ${flag.padEnd(38)}${environmentName.padEnd(34)}${defaultText}`;
}

function explanation({ description, kind }: Setting): string {
  return `${description} [${kind.expects}]`;
}

/** The content of config/config.example.yaml: every setting, commented out. */
export function exampleFile(): string {
  const lines = [
    "# Settings of Frontrow, each with its default or an example. Copy this file to config/config.yaml and remove the #",
    "# from the settings to change. docs/configuration.md explains them. `npm run generate` writes this file.",
    "# Any database setting from url to sslmode selects that database. Without one the service starts its embedded one.",
  ];
  let section = "";
  for (const [title, settings] of Object.entries(sections)) {
    lines.push("", `# ${title}`);
    for (const setting of settings) {
      const [name, parent = ""] = setting.path.split(".").reverse();
      if (parent !== "" && parent !== section) lines.push(`${parent}:`);
      section = parent;
      const indent = parent === "" ? "" : "  ";
      lines.push(
        `${indent}# ${explanation(setting)}`,
        `${indent}#${name}: ${setting.example ?? (setting.defaultText || "[]")}`,
      );
    }
  }
  return `${lines.join("\n")}\n`;
}

/** The tables of docs/configuration.md, one for each section. */
export function settingTables(): string {
  const code = (text: string | undefined) => (text ? `\`${text}\`` : "");
  const tables = Object.entries(sections).map(([title, settings]) => [
    `### ${title}`,
    "",
    "| environment | YAML | flag | default | what it does | value |",
    "|---|---|---|---|---|---|",
    ...settings.map(({ environmentName, path, flag, defaultText, description, kind }) => {
      const names = [environmentName, path, flag, defaultText].map(code);
      return `| ${[...names, description, kind.expects].join(" | ")} |`;
    }),
  ]);
  return tables.map((lines) => lines.join("\n")).join("\n\n");
}
