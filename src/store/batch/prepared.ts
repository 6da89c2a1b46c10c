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
import type pg from "pg";
import type { Connection } from "../database.ts";
import type { DB } from "../tables.ts";

/** Stands for a parameter while a statement is compiled. */
class Placeholder {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** A statement compiled once, for `pg` to run under its name (or unnamed, for poolers that keep no statements). */
export interface PreparedStatement<Parameters> {
  readonly name: string;
  readonly text: string;
  values(parameters: Parameters): unknown[];
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

/**
 * Compiles a typed query of Kysely's once. `build` gets a query builder, and a function that gives each parameter of the
 * statement by its name.
 */
export function prepare<Parameters extends object>(
  name: string,
  build: (
    db: Kysely<DB>,
    parameter: <Name extends keyof Parameters & string>(name: Name) => RawBuilder<Parameters[Name]>,
  ) => Compilable,
): PreparedStatement<Parameters> {
  const { sql: text, parameters: slots } = build(compiler, (parameter) => sql`${new Placeholder(parameter)}`).compile();
  return {
    name,
    text,
    values: (given) =>
      slots.map((slot) => (slot instanceof Placeholder ? given[slot.name as keyof Parameters & string] : slot)),
  };
}

/** Runs prepared statements on one connection; those that are sent without waiting go out in one flight. */
export type RunPrepared = <Parameters>(
  statement: PreparedStatement<Parameters>,
  parameters: Parameters,
) => Promise<pg.QueryResult>;

/** A runner on a connection. The name lets PostgreSQL keep the parsed statement for the connection's life. */
export function runnerOn(client: Connection): RunPrepared {
  return (statement, parameters) =>
    client.query({ name: statement.name, text: statement.text, values: statement.values(parameters) });
}
