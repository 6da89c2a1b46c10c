/** The profile ha: the service uses the Patroni cluster, whose primary stops while users book. */
import { isReady } from "./api.ts";
import { expect, overall, say, until } from "./engine.ts";
import { startLoad } from "./load.ts";
import type { Stack } from "./stack.ts";

const nodes = ["patroni1", "patroni2", "patroni3"];

/** The profile must be up. Starts the service anew. */
export async function tryHighAvailability(stack: Stack): Promise<void> {
  const port = stack.port("APP_REST_PORT");
  await until("the cluster has a primary and a synchronous standby", async () => {
    const roles = (await members(stack)).map(({ role }) => role);
    return roles.includes("leader") && roles.includes("sync_standby");
  });
  await stack.compose(["up", "--detach", "--no-deps", "app"], { APP_DATABASE_HOST: "database-ha" });
  await until("the service is ready on the cluster", () => isReady(port));
  const crowd = ["--users", "30", "--requests", "100", "--pause", "1", "--tickets", "5000", "--time-limit", "300"];
  const load = await startLoad(stack, `http://app:${port}`, "--attempts", "30", ...crowd);
  const primary = await primaryOf(stack);
  say(`stopping the primary, ${primary}`);
  await stack.compose(["stop", primary]);
  await until("another node is the primary", async () => (await primaryOf(stack)) !== primary);
  await until("the service is ready", () => isReady(port));
  await stack.compose(["start", primary]);
  await until(`${primary} follows the new primary`, async () => {
    const followers = (await members(stack)).filter(
      ({ role, state }) => role !== "leader" && /^(running|streaming)$/.test(state),
    );
    return followers.some(({ name }) => name === primary);
  });
  await load.assertRunning();
  await load.finish();
  expect("restarts of the service", await stack.inspect("app", "{{.RestartCount}}"), "0");
  await backUp(stack);
}

/** Makes the backup that docs/operations.md has. */
async function backUp(stack: Stack): Promise<void> {
  const dump = `PGPASSWORD=$PATRONI_SUPERUSER_PASSWORD \
  pg_dump -h database-ha -U $PATRONI_SUPERUSER_USERNAME -Fc $DATABASE_NAME`;
  // Without a row, `grep` fails.
  const count = "pg_restore --data-only --table=bookings --file=- | grep -c load-test";
  const rows = await stack.compose(["exec", "-T", "patroni1", "sh", "-c", `${dump} | ${count}`]);
  say(`the backup of the cluster has ${rows} bookings`);
}

interface Member {
  readonly name: string;
  readonly role: string;
  readonly state: string;
}

/** The cluster as the first node that answers sees it. */
async function members(stack: Stack): Promise<readonly Member[]> {
  const script =
    "import urllib.request as u; print(u.urlopen('http://localhost:8008/cluster', timeout=2).read().decode())";
  for (const node of nodes) {
    const answer = await stack.compose(["exec", "-T", node, "python3", "-c", script]).catch(() => undefined);
    if (answer !== undefined) return JSON.parse(answer).members;
    overall.throwIfAborted();
  }
  throw new Error("no node of the cluster answers");
}

async function primaryOf(stack: Stack): Promise<string> {
  const primary = (await members(stack)).find(({ role, state }) => role === "leader" && state === "running");
  if (!primary) throw new Error("the cluster has no primary");
  return primary.name;
}
