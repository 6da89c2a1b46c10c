/** The listener: protocol detection, limits of connections and requests, and closing. */
import { once } from "node:events";
import { Agent, get, type ServerResponse } from "node:http";
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { type Listener, listen } from "../src/transport/listener/listen.ts";
import { converse, drip, openRaw, startDrippingProxy } from "./support/network/raw-connection.ts";
import { listenOptions, type TestLimits } from "./support/service/served-app.ts";

const host = "127.0.0.1";
const getRequest = (path: string, ...headers: string[]) =>
  ["GET ", path, " HTTP/1.1\r\nHost: test\r\n", ...headers.map((header) => `${header}\r\n`), "\r\n"].join("");

let listener: Listener;
/** The responses that `/held` requests wait for, in the order of arrival. */
let held: ServerResponse[];

/** Echoes the request. The test answers `/held`, and ends the response to `/begun`. */
async function start(limits: TestLimits = {}): Promise<number> {
  held = [];
  listener = await listen({
    ...listenOptions(limits),
    handler: (request, response) => {
      let bytes = 0;
      request.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
      });
      request.on("end", () => {
        if (request.url === "/held" || request.url === "/begun") {
          if (request.url === "/begun") response.write("begun ");
          held.push(response);
        } else {
          response.end(`${request.httpVersion} ${request.method} ${request.url} ${bytes} bytes`);
        }
      });
    },
  });
  return listener.port;
}

const heldCalls = (count: number) =>
  vi.waitFor(() => expect(held.length).toBeGreaterThanOrEqual(count), { timeout: 20_000, interval: 1 });

function session(port: number): ClientHttp2Session {
  const client = connect(`http://${host}:${port}`);
  client.on("error", () => {});
  onTestFinished(() => client.destroy());
  return client;
}

async function http2Get(client: ClientHttp2Session, path: string): Promise<string> {
  const stream = client.request({ ":path": path });
  let text = "";
  for await (const chunk of stream) text += chunk;
  // Node ends a stream without an error if its connection closes after a GOAWAY.
  if (text === "") throw new Error("the stream has closed without a response");
  return text;
}

function http1Get(port: number, path: string, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host, port, path, agent }, async (response) => {
      let text = "";
      for await (const chunk of response) text += chunk;
      resolve(text);
    }).on("error", reject);
  });
}

function keepAliveAgent(): Agent {
  const agent = new Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());
  return agent;
}

afterEach(async () => {
  listener.destroy();
  await listener.close();
});

describe("one port", () => {
  let port: number;
  beforeEach(async () => {
    port = await start();
  });

  test("serves HTTP/1.1 and HTTP/2 at once", async () => {
    const answers = await Promise.all([
      http1Get(port, "/one", keepAliveAgent()),
      http2Get(session(port), "/two"),
      http1Get(port, "/three", keepAliveAgent()),
    ]);
    expect(answers).toEqual(["1.1 GET /one 0 bytes", "2.0 GET /two 0 bytes", "1.1 GET /three 0 bytes"]);
  });

  test("detects HTTP/1.1 that arrives byte by byte", async () => {
    const connection = openRaw(port);
    await drip(connection.socket, Buffer.from(getRequest("/drip", "Connection: close")));
    expect(await connection.closed).toContain("1.1 GET /drip 0 bytes");
  });

  test("detects HTTP/1.1 whose method begins like the HTTP/2 preface", async () => {
    const connection = openRaw(port);
    await drip(connection.socket, Buffer.from("PROPFIND / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"));
    expect(await connection.closed).toContain("1.1 PROPFIND / 0 bytes");
  });

  test("detects HTTP/2 that arrives byte by byte", async () => {
    const proxy = await startDrippingProxy(`http://127.0.0.1:${port}`, 300);
    onTestFinished(() => proxy.close());
    expect(await http2Get(session(proxy.port), "/drip")).toBe("2.0 GET /drip 0 bytes");
  });

  test("answers pipelined requests in order", async () => {
    const text = await converse(port, getRequest("/first") + getRequest("/second", "Connection: close"));
    expect(text).toMatch(/GET \/first.*GET \/second/s);
  });

  test("answers Expect: 100-continue before the body arrives", async () => {
    const connection = openRaw(port);
    connection.socket.write(
      "POST /body HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n",
    );
    await connection.waitFor("HTTP/1.1 100 Continue");
    connection.socket.write("12345");
    expect(await connection.closed).toContain("1.1 POST /body 5 bytes");
  });

  test("ignores an upgrade to h2c", async () => {
    const upgrade = ["Connection: Upgrade, HTTP2-Settings, close", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"];
    expect(await converse(port, getRequest("/upgrade", ...upgrade))).toContain("1.1 GET /upgrade 0 bytes");
  });

  test.each([
    ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"],
    ["text", "hello there\r\n\r\n"],
    ["the HTTP/2 preface with another version", "PRI * HTTP/1.1\r\nHost: test\r\n\r\n"],
  ])("answers 400 to %s and closes", async (_, garbage) => {
    expect(await converse(port, garbage)).toMatch(/^HTTP\/1.1 400 /);
  });

  test("answers headers over the limit with 431, and on HTTP/2 with a reset", async () => {
    const long = "x".repeat(20_000);
    expect(await converse(port, getRequest("/", `X-Long: ${long}`))).toMatch(/^HTTP\/1.1 431 /);
    const client = session(port);
    // A client is bound by the limit once it has acknowledged the settings that tell of it.
    await http2Get(client, "/first");
    const stream = client.request({ "x-long": long });
    const [error] = await once(stream, "error");
    expect(error.message).toContain("NGHTTP2_ENHANCE_YOUR_CALM");
  });

  test.each([
    ["that sent nothing", ""],
    ["in the middle of the preface", "PRI *"],
    ["in the middle of a request", "GET / HT"],
  ])("survives the reset of a connection %s", async (_, text) => {
    const connection = openRaw(port);
    await once(connection.socket, "connect");
    if (text !== "") await new Promise((resolve) => connection.socket.write(text, resolve));
    connection.socket.resetAndDestroy();
    await connection.closed;
    expect(await http2Get(session(port), "/after")).toBe("2.0 GET /after 0 bytes");
  });

  test("rejects with the system's error when the port is taken", async () => {
    await expect(listen({ ...listenOptions(), port, handler: () => {} })).rejects.toMatchObject({
      code: "EADDRINUSE",
      port,
    });
  });
});

describe("a limit", () => {
  test.each(["", "PRI * HT"])("closes a connection that says only %j", async (text) => {
    const port = await start({ headersTimeoutMs: 50 });
    expect(await converse(port, text)).toBe("");
  });

  test("ends unfinished headers", async () => {
    const port = await start({ headersTimeoutMs: 50, bodyTimeoutMs: 50 });
    expect(await converse(port, "GET / HTTP/1.1\r\nHo")).toMatch(/^HTTP\/1.1 408 /);
  });

  test("ends an unfinished body, and on HTTP/2 only its stream", async () => {
    const port = await start({ headersTimeoutMs: 50, bodyTimeoutMs: 50 });
    const post = "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\n12";
    expect(await converse(port, post)).toMatch(/^HTTP\/1.1 408 /);

    const client = session(port);
    const stream = client.request({ ":method": "POST" });
    stream.write("12");
    stream.on("error", () => {});
    await once(stream, "close");
    expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
    expect(await http2Get(client, "/after")).toBe("2.0 GET /after 0 bytes");
  });

  test("ends an HTTP/2 connection without streams, not one with an open stream", async () => {
    const port = await start({ idleTimeoutMs: 50 });
    const busy = session(port);
    const answer = http2Get(busy, "/held");
    await heldCalls(1);
    await once(session(port), "close");
    expect(busy.closed).toBe(false);
    held[0]?.end("late");
    expect(await answer).toBe("late");
    await once(busy, "close");
  });

  test("refuses a connection beyond the limit", async () => {
    const port = await start({ maxConnections: 1 });
    const first = openRaw(port);
    first.socket.write(getRequest("/first"));
    await first.waitFor("GET /first");
    expect(await converse(port, getRequest("/second"))).toBe("");
    expect(first.socket.destroyed).toBe(false);
  });
});

describe("close", () => {
  let port: number;
  beforeEach(async () => {
    port = await start({ lingerTimeoutMs: 50 });
  });

  test("lets calls in flight finish and closes idle connections at once", async () => {
    const [agent, idle, silent] = [keepAliveAgent(), openRaw(port), openRaw(port)];
    idle.socket.write(getRequest("/idle"));
    await idle.waitFor("GET /idle");
    const [busySession, idleSession] = [session(port), session(port)];
    await http2Get(idleSession, "/idle");
    const goaway = once(idleSession, "goaway");
    const answers = [http1Get(port, "/held", agent), http1Get(port, "/begun", agent), http2Get(busySession, "/held")];
    const pipelined = openRaw(port);
    pipelined.socket.write(getRequest("/held") + getRequest("/held"));
    await heldCalls(5);

    let closed = false;
    const closing = listener.close().then(() => {
      closed = true;
    });
    await Promise.all([idle.closed, silent.closed, once(idleSession, "close")]);
    expect((await goaway)[0]).toBe(constants.NGHTTP2_NO_ERROR);
    await expect(http1Get(port, "/late", keepAliveAgent())).rejects.toMatchObject({ code: "ECONNREFUSED" });
    expect(closed).toBe(false);

    for (const response of held) response.end("done");
    expect(await Promise.all(answers)).toEqual(["done", "begun done", "done"]);
    expect((await pipelined.closed).match(/done/g)).toHaveLength(2);
    await closing;
  });

  test("answers a request that arrives on a busy connection, and then closes it", async () => {
    const connection = openRaw(port);
    connection.socket.write(getRequest("/held"));
    await heldCalls(1);
    const closing = listener.close();
    connection.socket.write(getRequest("/held"));
    await heldCalls(2);
    for (const response of held) response.end("done");
    const text = await connection.closed;
    expect(text.match(/done/g)).toHaveLength(2);
    expect(text.match(/connection: close/gi)).toHaveLength(1);
    await closing;
  });

  test("announces the close also in the response to a chunked request that is still arriving", async () => {
    const connection = openRaw(port);
    const chunked = "POST /chunked HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n";
    connection.socket.write(getRequest("/held") + chunked);
    await heldCalls(1);
    const closing = listener.close();
    connection.socket.write("0\r\n\r\n");
    held[0]?.end("done");
    const text = await connection.closed;
    expect(text).toMatch(/done.*connection: close.*POST \/chunked 0 bytes/is);
    await closing;
  });

  test("refuses new streams on a connection whose open stream finishes", async () => {
    const client = session(port);
    const answer = http2Get(client, "/held");
    await heldCalls(1);
    const closing = listener.close();
    await once(client, "goaway");
    await expect(http2Get(client, "/late")).rejects.toThrow();
    held[0]?.end("done");
    expect(await answer).toBe("done");
    await closing;
  });

  test("does not wait for a client that never closes its side", async () => {
    const rude = openRaw(port);
    rude.socket.allowHalfOpen = true;
    // The preface and empty settings: a client that then reads and sends nothing.
    rude.socket.write(Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", "latin1"));
    await once(rude.socket, "data");
    await listener.close();
  });

  test("may be called twice, and destroy cuts the remaining connections", async () => {
    const client = session(port);
    const cut = Promise.allSettled([http1Get(port, "/held", keepAliveAgent()), http2Get(client, "/held")]);
    await heldCalls(2);
    const closing = [listener.close(), listener.close()];
    listener.destroy();
    await Promise.all(closing);
    expect((await cut).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });
});
