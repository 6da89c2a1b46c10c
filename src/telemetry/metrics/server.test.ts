import { once } from "node:events";
import { connect } from "node:net";
import { setImmediate } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import { type Exposition, serveMetrics } from "./server.ts";

async function serve(metrics: Exposition["metrics"]) {
  const errors: unknown[] = [];
  const server = await serveMetrics({
    ...{ host: "127.0.0.1", port: 0, exposition: { contentType: "text/plain", metrics } },
    onError: (error) => void errors.push(error),
  });
  onTestFinished(() => server[Symbol.asyncDispose]());
  return { server, url: `http://127.0.0.1:${server.port}/metrics`, errors };
}

test("a scrape that fails is answered with 500 without the reason, and the next one works", async () => {
  const metrics = vi.fn(async () => "up 1\n").mockRejectedValueOnce(new Error("select secret"));
  const { url, errors } = await serve(metrics);
  const failed = await fetch(url);
  expect([failed.status, await failed.text()]).toEqual([500, "the metrics cannot be read: see the log\n"]);
  expect(errors).toEqual([new Error("select secret")]);
  expect(await (await fetch(url)).text()).toBe("up 1\n");
});

test("scrapes at the same time make one text at a time", async () => {
  let running = 0;
  let most = 0;
  const { url } = await serve(async () => {
    most = Math.max(most, ++running);
    await setImmediate();
    running--;
    return "up 1\n";
  });
  const texts = await Promise.all(Array.from({ length: 20 }, async () => await (await fetch(url)).text()));
  expect(texts).toEqual(Array.from({ length: 20 }, () => "up 1\n"));
  expect(most).toBe(1);
});

test("the disposal closes idle connections", async () => {
  const { server } = await serve(async () => "up 1\n");
  const socket = connect(server.port, "127.0.0.1");
  await once(socket, "connect");
  const closed = once(socket, "close");
  await server[Symbol.asyncDispose]();
  await closed;
});
