/** What handlers and interceptors see of a call on the fast path, and the response when the call ends early. */
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { describe, expect, onTestFinished, test } from "vitest";
import { openRaw } from "./support/network/raw-connection.ts";
import { type FastPathApp, serveFastPath } from "./support/service/fast-path-app.ts";
import type { ConcertHandlers } from "./support/service/served-app.ts";
import { isEnveloped } from "./support/wire/calls.ts";
import { callWay, responseTypeOf, timeoutOf, ways } from "./support/wire/get-concert.ts";

async function serve(handlers: ConcertHandlers, interceptors: Interceptor[] = []): Promise<FastPathApp> {
  const app = await serveFastPath(handlers, { interceptors });
  onTestFinished(() => app.close());
  return app;
}

const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
  });

describe.each(ways)("$name", (way) => {
  const isConnect = !isEnveloped(way);
  const [timeoutHeader = ""] = Object.keys(timeoutOf(way));

  test.each([
    ["at once", isConnect ? "0" : "0m"],
    ["later", isConnect ? "20" : "20m"],
  ])("the signal aborts when the client's timeout passes: %s", async (_, timeout) => {
    const app = await serve({ getConcert: (_, { signal }) => untilAborted(signal) });
    const { code, error } = await callWay(way, app.port, 1n, { headers: { [timeoutHeader]: timeout } });
    expect([code, error]).toEqual([isConnect ? "deadline_exceeded" : "4", "the operation timed out"]);
  });

  test("a timeout longer than any timer has no effect", async () => {
    const app = await serve({
      getConcert: (_, { signal, timeoutMs, requestHeader }) => ({
        artist: String(timeoutMs()),
        venue: `${requestHeader.get(timeoutHeader)} ${signal.aborted}`,
      }),
    });
    const headers = { [timeoutHeader]: isConnect ? "9999999999" : "99999999H" };
    const { message } = await callWay(way, app.port, 1n, { headers });
    expect(message).toMatchObject({ artist: "undefined", venue: "null false" });
  });

  test("a call in flight is answered when the service shuts down", async () => {
    const arrived = Promise.withResolvers<void>();
    const app = await serve({
      getConcert(_, { signal }) {
        arrived.resolve();
        return untilAborted(signal);
      },
    });
    const answered = callWay(way, app.port, 1n);
    await arrived.promise;
    app.shutdown.abort(new ConnectError("the service is shutting down", Code.Unavailable));
    const { code, error } = await answered;
    expect([code, error]).toEqual([isConnect ? "unavailable" : "14", "the service is shutting down"]);
  });

  test("an interceptor may replace the headers of the request and of the response", async () => {
    const replace: Interceptor = (next) => async (request) => {
      const header = new Headers(request.header);
      header.set("x-venue", "Old Mill");
      const response = request.stream ? await next(request) : await next({ ...request, header });
      const replaced = new Headers(response.header);
      replaced.delete("x-dropped");
      replaced.set("x-added", "1");
      return { ...response, header: replaced, trailer: new Headers([...response.trailer, ["x-cost", "7"]]) };
    };
    const getConcert: ConcertHandlers["getConcert"] = (_, { requestHeader, responseHeader }) => {
      responseHeader.set("x-dropped", "1");
      return { venue: requestHeader.get("x-venue") ?? "" };
    };
    const app = await serve({ getConcert }, [replace]);
    const { code, message, raw, trailers } = await callWay(way, app.port, 1n);
    expect(code).toBeUndefined();
    expect(message?.venue).toBe("Old Mill");
    expect(raw.headers).toMatchObject({ "x-added": "1", "content-type": responseTypeOf(way) });
    expect(raw.headers).not.toHaveProperty("x-dropped");
    expect(trailers).toMatchObject({ "x-cost": "7" });
  });
});

test("a call whose body is still arriving when the service shuts down is answered in its protocol", async () => {
  const app = await serve({ getConcert: () => ({}) });
  const connection = openRaw(app.port);
  const head =
    "POST /frontrow.v1.ConcertService/GetConcert HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nExpect: 100-continue\r\n";
  connection.socket.write(`${head}Content-Type: application/grpc-web\r\n\r\n`);
  // Asks for the body once it waits for it.
  await connection.waitFor("100 Continue");
  app.shutdown.abort(new ConnectError("the service is shutting down", Code.Unavailable));
  await connection.waitFor("grpc-status: 14\r\n");
  connection.socket.destroy();
});

test("the signal aborts when the client hangs up", async () => {
  const [arrived, aborted] = [Promise.withResolvers<void>(), Promise.withResolvers<unknown>()];
  const app = await serve({
    async getConcert(_, { signal }) {
      signal.addEventListener("abort", () => aborted.resolve(signal.reason));
      arrived.resolve();
      return await untilAborted(signal);
    },
  });
  const connection = openRaw(app.port);
  const head = "POST /frontrow.v1.ConcertService/GetConcert HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n";
  connection.socket.write(`${head}Content-Type: application/json\r\n\r\n{}`);
  await arrived.promise;
  connection.socket.destroy();
  expect(await aborted.promise).toMatchObject({ code: Code.Canceled });
});
