import { defaultWaitText } from "./flags.ts";
import { duration } from "./kinds.ts";
import { settingList } from "./settings.ts";

/** What `--help` prints: every flag, and every setting with its names, its default and what it is for. */
export function helpText(): string {
  const settings = settingList.flatMap(({ flag, environmentName, defaultText, description, kind }) => [
    row(`${flag} VALUE`, environmentName, defaultText ?? "(none)"),
    `      ${description}: ${kind.expects}.`,
  ]);
  return [
    "Frontrow: concert ticket reservation over gRPC, gRPC-Web, Connect and REST.",
    "",
    "Usage: npm start -- [flags]",
    "",
    "  --migrate                 bring the database up to date and exit",
    "  --wait-for-db[=DURATION]  wait for the database to come up before anything else",
    `                            (default ${defaultWaitText}; ${duration.expects})`,
    "  --config FILE             read settings from this YAML file (default: config/config.yaml, if there is one)",
    "  --version                 print the version and exit",
    "  -h, --help                print this help and exit",
    "",
    "A setting is given by a flag, else by its environment variable, else in the YAML file, else it has its default.",
    "Without a database setting (URL to SSL mode) the service runs its own, embedded PostgreSQL.",
    "",
    row("FLAG", "ENVIRONMENT", "DEFAULT"),
    ...settings,
    "",
  ].join("\n");
}

function row(flag: string, environmentName: string, defaultText: string): string {
  return `  ${flag.padEnd(38)}${environmentName.padEnd(34)}${defaultText}`;
}
