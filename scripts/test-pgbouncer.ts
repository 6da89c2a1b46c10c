/**
 * Runs the integration tests with a PgBouncer in transaction mode between the service and PostgreSQL, without prepared
 * statements: those whose calls reach the database, or with `--all` those of the transport as well. Other arguments go to
 * Vitest: `npm run test:pgbouncer -- engine`.
 */
import { hasPgBouncer } from "../test/support/process/pgbouncer.ts";
import { runVitest } from "./run-vitest.ts";

const args = process.argv.slice(2);
const variables = { APP_TEST_POOLER: "pgbouncer", ...(args.includes("--all") && { APP_TEST_POOLED: "all" }) };
// Without PgBouncer the import prints that the tests are skipped.
if (hasPgBouncer) {
  await runVitest(
    "pgbouncer",
    variables,
    args.filter((arg) => arg !== "--all"),
  );
}
