/** The probe that finds out whether the database accepts writes, on a server whose state the test changes. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { Store } from "../../src/store/store.ts";
import { type OwnServer, startOwnServer } from "../support/database/own-server.ts";
import { startPostgresProxy } from "../support/database/postgres-proxy.ts";
import { openStore } from "../support/database/store.ts";
import { startTestService } from "../support/service/service.ts";

let server: OwnServer;
let store: Store | undefined;
beforeAll(async () => {
  server = await startOwnServer();
  // The least that PostgreSQL allows.
  await server.database.query("ALTER SYSTEM SET track_activity_query_size = 100");
  await server.restart("fast", async () => {});
});
afterEach(async () => {
  await store?.close();
  store = undefined;
});
afterAll(() => server.close());

/** The store of a database URL, closed after the test. */
function open(databaseUrl: string): Store {
  store = openStore(databaseUrl);
  return store;
}

/** A server setting, which new and old sessions follow. */
async function setOnServer(name: string, value: string): Promise<void> {
  await server.database.query(`ALTER SYSTEM SET ${name} = '${value}'`);
  await server.database.query("SELECT pg_reload_conf()");
  await vi.waitFor(async () => {
    expect(await server.database.query(`SELECT current_setting('${name}') AS value`)).toEqual([{ value }]);
  }, 20_000);
}

async function createRole(name: string): Promise<string> {
  await server.database.query(`CREATE ROLE ${name} LOGIN PASSWORD 'secret'`);
  const url = new URL(server.database.url);
  url.username = name;
  url.password = "secret";
  return url.href;
}

describe("the probe", () => {
  test("reports a primary as good, and needs no right but to connect", async () => {
    const { probe } = open(await createRole("modest"));
    expect(await probe()).toEqual({ isGood: true });
    expect(await probe()).toEqual({ isGood: true });
  });

  test("notices a read-only server, and that it accepts writes again", async () => {
    const { probe } = open(server.database.url);
    await setOnServer("default_transaction_read_only", "on");
    expect(await probe()).toMatchObject({
      isGood: false,
      reason: "the database does not take writes: it is a standby or read-only",
    });
    await setOnServer("default_transaction_read_only", "off");
    expect(await probe()).toEqual({ isGood: true });
  });

  test("notices commits that hang without a synchronous standby, and leaves no waiting session", async () => {
    const { probe } = open(server.database.url);
    expect(await probe()).toEqual({ isGood: true });
    await setOnServer("synchronous_standby_names", "absent");
    await vi.waitFor(async () => {
      expect(await probe()).toMatchObject({
        isGood: false,
        reason: "commits do not complete: a synchronous standby may be missing",
      });
    }, 20_000);
    const waiting = "SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    await vi.waitFor(async () => expect(await server.database.query(waiting)).toEqual([]), 10_000);
    await setOnServer("synchronous_standby_names", "");
    expect(await probe()).toEqual({ isGood: true });
  });

  test("notices a role without LOGIN while its connections are still open", async () => {
    const { probe } = open(await createRole("barred"));
    expect(await probe()).toEqual({ isGood: true });
    await server.database.query("ALTER ROLE barred NOLOGIN");
    await vi.waitFor(async () => {
      expect(await probe()).toMatchObject({ isGood: false, reason: "the database refuses new connections" });
    }, 20_000);
  });

  test("notices a broken network", async () => {
    const proxy = await startPostgresProxy(server.database.url);
    const { probe } = open(proxy.url(server.database.url));
    expect(await probe()).toEqual({ isGood: true });
    proxy.refuse();
    expect(await probe()).toMatchObject({ isGood: false, reason: "the database does not answer" });
    proxy.accept();
    await proxy.close();
  });
});

test("/readyz gives the reason while the service is not ready, and is ready again after it", async () => {
  const service = await startTestService({}, server.database);
  const readyz = async () => {
    const response = await fetch(`${service.baseUrl}/readyz`);
    return [response.status, await response.json()];
  };
  expect(await readyz()).toEqual([200, { status: "ready" }]);
  await setOnServer("default_transaction_read_only", "on");
  const reason = "the database does not take writes: it is a standby or read-only";
  const patience = { timeout: 30_000, interval: 200 };
  await vi.waitFor(async () => expect(await readyz()).toEqual([503, { status: "unavailable", reason }]), patience);
  await setOnServer("default_transaction_read_only", "off");
  await vi.waitFor(async () => expect(await readyz()).toEqual([200, { status: "ready" }]), patience);
  await service.close();
}, 90_000);
