import {
  type Compilable,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type RawBuilder,
  sql,
} from "kysely";
import type { Connection } from "../pool/connection.ts";
import type { DB } from "../tables.ts";

/** Stands for a parameter while a statement is compiled. */
class Placeholder {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** The parameters of a statement, by their names. */
export type Slots<Parameters> = <Name extends keyof Parameters & string>(name: Name) => RawBuilder<Parameters[Name]>;

/** A statement compiled once, to be sent under its name (or unnamed, for poolers that keep no statements). */
interface PreparedStatement<Parameters, Row> {
  readonly name: string;
  readonly text: string;
  values(parameters: Parameters): unknown[];
  /** The type of the rows that the statement returns. There is no such value. */
  readonly row?: Row;
}

/** Builds typed queries that are only compiled, never run. */
const compiler = new Kysely<DB>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

/** Compiles a query of Kysely's once. The annotation of `slots` gives the parameters' types, the query those of its rows. */
export function prepare<Parameters extends object, Row>(
  name: string,
  build: (db: Kysely<DB>, slots: Slots<Parameters>) => Compilable<Row>,
): PreparedStatement<Parameters, Row> {
  const { sql: text, parameters } = build(compiler, (slot) => sql`${new Placeholder(slot)}`).compile();
  return {
    name,
    text,
    values: (given) =>
      parameters.map((value) => (value instanceof Placeholder ? given[value.name as keyof Parameters] : value)),
  };
}

/** Runs prepared statements on one connection. The name lets PostgreSQL keep the parsed statement for the connection's life. */
export function runnerOn(connection: Connection) {
  return async <Parameters, Row extends object>(
    { name, text, values }: PreparedStatement<Parameters, Row>,
    parameters: Parameters,
  ): Promise<Row[]> => {
    const { rows } = await connection.query<Row>({ name, text, values: values(parameters) });
    return rows;
  };
}

/**
 * Waits until every statement of a flight has ended: statements that are sent at once, one behind the other. Then throws the
 * error of the first one that failed.
 */
export async function landed(flight: Readonly<Record<string, unknown>>): Promise<void> {
  const statements = Object.values(flight);
  await Promise.allSettled(statements);
  await Promise.all(statements);
}
