/** Turns the tables of a migrated database into partitioned ones, on which PostgreSQL refuses keys without the concert. */
import pg from "pg";

/** The column that decides in which partition a row is. Tables come after those that they refer to. */
const partitionKeys = {
  concerts: "id",
  concert_requests: "request_id",
  bookings: "concert_id",
  audit_entries: "concert_id",
  batches: "concert_id",
} as const;
type Table = keyof typeof partitionKeys;

const partitions = 3;

/** How an empty table is made anew, statement by statement. */
interface Definition {
  readonly identity: readonly string[];
  /** Keys, indexes and triggers. CHECKs are copied with the columns. */
  readonly rest: readonly string[];
  readonly storage: string;
}

/** Replaces the tables, which must be empty, by partitioned ones with the same columns, constraints, indexes and triggers. */
export async function partitionTables(databaseUrl: string): Promise<void> {
  const session = new pg.Client({ connectionString: databaseUrl });
  await session.connect();
  try {
    await session.query("BEGIN");
    const definitions = new Map<Table, Definition>();
    for (const table of Object.keys(partitionKeys) as Table[]) {
      definitions.set(table, await readDefinition(session, table));
    }
    for (const [table, definition] of definitions) await replace(session, table, definition);
    await session.query("COMMIT");
  } finally {
    await session.end();
  }
}

async function readDefinition(session: pg.Client, table: Table): Promise<Definition> {
  const read = async (sql: string) => {
    const { rows } = await session.query<{ statement: string }>(sql, [table]);
    return rows.map(({ statement }) => statement);
  };
  const [storage = ""] = await read(
    "SELECT coalesce(array_to_string(reloptions, ', '), '') AS statement FROM pg_class WHERE oid = $1::regclass",
  );
  return {
    identity: await read(identities),
    rest: [...(await read(keys)), ...(await read(indexes)), ...(await read(triggers))],
    storage,
  };
}

const identities = `
  SELECT format('ALTER TABLE %s ALTER COLUMN %I ADD GENERATED %s AS IDENTITY', attrelid::regclass, attname,
    CASE attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END) AS statement
  FROM pg_attribute WHERE attrelid = $1::regclass AND attidentity <> ''`;

const keys = `
  SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS statement
  FROM pg_constraint WHERE conrelid = $1::regclass AND contype IN ('p', 'u', 'f') ORDER BY contype DESC`;

const indexes = `
  SELECT pg_get_indexdef(indexrelid) AS statement FROM pg_index
  WHERE indrelid = $1::regclass AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)`;

const triggers = `
  SELECT pg_get_triggerdef(oid) || CASE tgenabled
    WHEN 'A' THEN format('; ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', tgrelid::regclass, tgname) ELSE '' END AS statement
  FROM pg_trigger WHERE tgrelid = $1::regclass AND NOT tgisinternal`;

async function replace(session: pg.Client, table: Table, { identity, rest, storage }: Definition): Promise<void> {
  const { rows } = await session.query(`SELECT FROM ${table} LIMIT 1`);
  if (rows.length > 0) throw new Error(`the table ${table} is not empty`);
  const copied = "INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED INCLUDING STORAGE";
  await session.query(`
    CREATE TABLE new_table (LIKE ${table} ${copied}) PARTITION BY HASH (${partitionKeys[table]});
    DROP TABLE ${table} CASCADE;
    ALTER TABLE new_table RENAME TO ${table}`);
  for (const statement of [...identity, ...rest]) await session.query(statement);
  for (let remainder = 0; remainder < partitions; remainder++) {
    await session.query(`
      CREATE TABLE ${table}_${remainder} PARTITION OF ${table}
      FOR VALUES WITH (MODULUS ${partitions}, REMAINDER ${remainder}) ${storage && `WITH (${storage})`}`);
  }
}
