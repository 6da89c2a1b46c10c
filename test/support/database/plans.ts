import type pg from "pg";

/**
 * The plan of a prepared statement for any values of its parameters, inside the session's transaction. PostgreSQL 15 has
 * no EXPLAIN (GENERIC_PLAN).
 */
export async function explainGenericPlan(session: pg.Client, name: string, text: string): Promise<string> {
  const parameters = [...new Set(text.match(/\$\d+/g))];
  await session.query(`SET LOCAL plan_cache_mode = force_generic_plan; PREPARE ${name} AS ${text}`);
  const values = parameters.length > 0 ? `(${parameters.map(() => "NULL").join(", ")})` : "";
  const { rows } = await session.query(`EXPLAIN (COSTS OFF) EXECUTE ${name}${values}`);
  return rows.map((row) => row["QUERY PLAN"]).join("\n");
}
