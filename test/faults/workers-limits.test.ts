/** Limits of the machine hold over several worker processes. */
import { expect, test, vi } from "vitest";
import { openRaw, type RawConnection } from "../support/network/raw-connection.ts";
import { useTwoWorkers } from "../support/process/two-workers.ts";
import { answeringWorkers, pidOfWorker } from "../support/process/worker-pids.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const wait = { timeout: 20_000, interval: 10 };

const { open } = useTwoWorkers();

test("a rate limit is exact over calls that reach both workers, also at the same time", async () => {
  await using service = await open({ APP_RATE_LIMIT_READS: "11" });
  const calls = Array.from({ length: 20 }, () =>
    fetch(`${service.baseUrl}/api/v1/bookings?user_id=nora`, { headers: { Connection: "close" } }),
  );
  const answers = await Promise.all(calls);
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(11);
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(9);
  const left = answers.map(({ headers }) => Number(headers.get("ratelimit-remaining"))).toSorted((a, b) => a - b);
  expect(left).toEqual([...Array(9).fill(0), ...Array.from({ length: 11 }, (_, remaining) => remaining)]);
  // The log arrives by a pipe, after the responses.
  await vi.waitFor(() => expect(new Set(answeringWorkers(service))).toEqual(new Set([1, 2])), wait);
});

/** A connection that has been answered, or that was reset. */
async function connectAndCall(port: number): Promise<RawConnection & { readonly isServed: boolean }> {
  const connection = openRaw(port);
  connection.socket.write("GET /api/v1/concerts HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const isServed = await connection.waitFor("200 OK").then(
    () => true,
    () => false,
  );
  return { ...connection, isServed };
}

test("the limit of connections counts those of both workers, also when they close or their worker dies", async () => {
  await using service = await open({ APP_MAX_CONNECTIONS_PER_ADDRESS: "5" });
  const connections: Awaited<ReturnType<typeof connectAndCall>>[] = [];
  for (let opened = 0; opened < 7; opened++) connections.push(await connectAndCall(service.restPort));
  expect(connections.map(({ isServed }) => isServed)).toEqual([true, true, true, true, true, false, false]);
  const [first] = connections;
  if (!first) throw new Error("there is no connection");
  first.socket.end();
  await first.closed;
  const another = await vi.waitFor(async () => {
    const next = await connectAndCall(Number(new URL(service.grpcUrl).port));
    expect(next.isServed).toBe(true);
    return next;
  }, wait);
  expect((await connectAndCall(Number(new URL(service.grpcUrl).port))).isServed).toBe(false);

  const replaced = service.nextLine("a worker process serves");
  const answering = await vi.waitFor(() => {
    expect(answeringWorkers(service)).toHaveLength(6);
    return answeringWorkers(service);
  }, wait);
  // It has at least the last of the five connections.
  process.kill(pidOfWorker(service, answering.at(-1) ?? 0), "SIGKILL");
  await replaced;
  const survivors = [...connections.slice(1, 5), another].filter(({ socket }) => !socket.destroyed);
  expect(survivors.length).toBeLessThan(5);
  for (let more = survivors.length; more < 5; more++) {
    expect((await connectAndCall(service.restPort)).isServed).toBe(true);
  }
  expect((await connectAndCall(service.restPort)).isServed).toBe(false);
  expect(service.output()).toMatch(/"limit":"maxConnectionsPerAddress".*connections were refused/);
});

test("while the primary hangs, calls on open connections are counted by their worker alone", async () => {
  await using service = await open({ APP_RATE_LIMIT_READS: "3" });
  const connection = await connectAndCall(service.restPort);
  const request = "GET /api/v1/bookings?user_id=nora HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const call = async (remaining: number) => {
    connection.socket.write(request);
    await connection.waitFor(`ratelimit-remaining: ${remaining}\r\n`);
  };
  await call(2);
  process.kill(service.pid, "SIGSTOP");
  try {
    // Its own count begins anew.
    connection.socket.write(request);
    await service.line("the primary process does not answer: this worker counts its callers alone");
    await call(1);
    await call(0);
    connection.socket.write(request);
    await connection.waitFor("HTTP/1.1 429");
  } finally {
    process.kill(service.pid, "SIGCONT");
  }
  expect(await service.stop()).toBe(0);
});
