/**
 * Writes src/store/tables.ts, the types of the database, from a database made by the migrations; `--verify` only compares
 * and fails when they differ.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { withTemporaryDatabase } from "./temporary-database.ts";

const projectRoot = join(import.meta.dirname, "..");

const status = await withTemporaryDatabase((url: string) => {
  const options = [
    "--dialect=postgres",
    `--url=${url}`,
    `--out-file=${join(projectRoot, "src", "store", "tables.ts")}`,
    // Kysely's tables of migrations.
    "--exclude-pattern=kysely_*",
    `--type-mapping=${JSON.stringify({ int8: "bigint", numeric: "string", timestamptz: "Temporal.Instant" })}`,
    "--log-level=error",
    ...(process.argv.includes("--verify") ? ["--verify"] : []),
  ];
  return spawnSync("kysely-codegen", options, { stdio: "inherit" }).status ?? 1;
});
process.exitCode = status;
