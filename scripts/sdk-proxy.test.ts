/** What the proxy of the SDKs' stage counts, by both versions of HTTP. */
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { type ClientHttp2Session, connect, createServer as createHttp2Server } from "node:http2";
import type { AddressInfo, Server } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { type CuttingProxy, startCuttingProxy } from "../test/sdk/cutting-proxy.ts";

/** A server that answers `/` only. */
const answerRoot: RequestListener = ({ url }, response) => void (url === "/" && response.end("answer"));

async function proxyBefore(server: Server): Promise<CuttingProxy> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy = await startCuttingProxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(async () => {
    await proxy.close();
    server.close();
  });
  return proxy;
}

const cancelled = (proxy: CuttingProxy, count: number) => expect.poll(proxy.cancellations).toBe(count);

test("by HTTP/1.1", async () => {
  const proxy = await proxyBefore(createServer(answerRoot));
  await (await fetch(`${proxy.address}/`, { method: "POST", body: "POST / HTTP/1.1" })).text();
  await (await fetch(`${proxy.address}/`)).text();
  const controller = new AbortController();
  const call = fetch(`${proxy.address}/never`, { signal: controller.signal });
  call.catch(() => {});
  await expect.poll(proxy.requests).toBe(3);
  expect(proxy.cancellations()).toBe(0);
  controller.abort();
  await cancelled(proxy, 1);
});

test("by HTTP/2", async () => {
  const proxy = await proxyBefore(createHttp2Server(answerRoot as never));
  const session: ClientHttp2Session = connect(proxy.address).on("error", () => {});
  onTestFinished(() => session.destroy());
  const send = (path: string) =>
    session
      .request({ ":path": path })
      .on("error", () => {})
      .resume();
  await once(send("/"), "end");
  const waiting = [send("/never"), send("/never")];
  await expect.poll(proxy.requests).toBe(3);
  expect(proxy.cancellations()).toBe(0);
  waiting[0]?.close(8);
  await cancelled(proxy, 1);
  session.destroy();
  await cancelled(proxy, 2);
});

test("an answer that the proxy loses is no cancellation", async () => {
  const proxy = await proxyBefore(createServer(answerRoot));
  proxy.cutNextAnswer();
  await expect(fetch(`${proxy.address}/`)).rejects.toThrow("fetch failed");
  expect([proxy.cuts(), proxy.requests(), proxy.cancellations()]).toEqual([1, 1, 0]);
});
