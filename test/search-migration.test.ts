/** Concerts stored before searches folded their texts are migrated: found by searches and stored composed. */
import { randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { projectRoot } from "./support/project-root.ts";

const folder = join(projectRoot, "db", "migrations");
const migration = "0005_search_texts.sql";

/** A session on a database without tables, in a locale with ASCII letters only. */
async function openEmptyDatabase(): Promise<pg.Client> {
  const name = `frontrow_empty_${randomUUID().replaceAll("-", "")}`;
  const url = new URL(inject("adminUrl"));
  const admin = new pg.Client({ connectionString: url.href });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER libc LOCALE 'C'`);
  url.pathname = `/${name}`;
  const session = new pg.Client({ connectionString: url.href });
  await session.connect();
  onTestFinished(async () => {
    await session.end();
    await admin.query(`DROP DATABASE ${name}`);
    await admin.end();
  });
  return session;
}

const run = async (session: pg.Client, file: string) => {
  await session.query("BEGIN");
  await session.query(await readFile(join(folder, file), "utf8"));
  await session.query("COMMIT");
};

test("the migration folds the texts of concerts in a database in the C locale", async () => {
  const session = await openEmptyDatabase();
  const earlier = (await readdir(folder)).filter((file) => file.endsWith(".sql") && file < migration).sort();
  for (const file of earlier) await run(session, file);
  const names = ["Beyonce\u0301", "MOT\u00d6RHEAD", "Stra\u00dfe", "\u3000", "\u0958".repeat(200)];
  await session.query(
    `INSERT INTO concerts (name, artist, venue, concert_date, total_tickets, available_tickets, price,
       booking_start_time, booking_end_time, request_id, request_digest)
     SELECT name, name, name, '2099-06-01', 10, 10, 50, '2020-01-01', '2099-05-01', gen_random_uuid(), sha256('')
     FROM unnest($1::text[]) AS name`,
    [names],
  );
  await run(session, migration);

  const { rows } = await session.query<{ name: string; search: string; version: number }>(
    "SELECT name, artist_search AS search, version FROM concerts ORDER BY id",
  );
  // What would be too long for its column when it is composed stays as it was.
  expect(rows.map(({ name }) => name)).toEqual(["Beyonc\u00e9", ...names.slice(1)]);
  expect(rows.slice(0, 4).map(({ search }) => search)).toEqual([
    " beyonc\u00e9 ",
    " mot\u00f6rhead ".normalize("NFC"),
    " strasse ",
    "   ",
  ]);
  expect(new Set(rows.map(({ version }) => version))).toEqual(new Set([1]));
  // A concert whose name would be refused today can still be booked.
  await session.query("UPDATE concerts SET available_tickets = available_tickets - 1");
});

test("the role's lock timeout has no effect in the migrations' transaction", async () => {
  const session = await openEmptyDatabase();
  await session.query("SET lock_timeout = '1s'; BEGIN");
  for (const file of (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort()) {
    await session.query(await readFile(join(folder, file), "utf8"));
    if (file < "0004") continue;
    expect([file, (await session.query("SHOW lock_timeout")).rows]).toEqual([file, [{ lock_timeout: "0" }]]);
  }
  await session.query("ROLLBACK");
});
