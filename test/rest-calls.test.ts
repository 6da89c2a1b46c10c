/** What the handler and the client of a REST call see, and how the call ends, over HTTP/1.1 and HTTP/2. */
import { once } from "node:events";
import { type ClientHttp2Session, connect, createServer, type Http2Server, type IncomingHttpHeaders } from "node:http2";
import type { AddressInfo } from "node:net";
import type { DescService } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import type { FastifyInstance } from "fastify";
import { afterEach, beforeAll, expect, test } from "vitest";
import { originOf } from "../src/rpc/call-context.ts";
import type { RestOptions } from "../src/transport/rest/routes.ts";
import { echoImplementation, loadTranscodingService, send, startRestServer } from "./support/service/transcoding.ts";

type Replacements = NonNullable<Parameters<typeof echoImplementation>[1]>;

let service: DescService;
let app: FastifyInstance;
let baseUrl: string;

beforeAll(async () => {
  service = await loadTranscodingService();
});
afterEach(() => app.close());

async function serve(
  replacements: Replacements = {},
  options: Partial<RestOptions> = {},
  mount?: (app: FastifyInstance) => void,
) {
  const services = [{ service, implementation: echoImplementation(service, replacements) }];
  ({ app, baseUrl } = await startRestServer({ services, ...options }, mount));
}

test("a handler's context has the request's method, URL, headers and address", async () => {
  const seen: HandlerContext[] = [];
  const echo: Replacements[string] = (request, context) => {
    seen.push(context);
    expect(context.signal.aborted).toBe(false);
    return request;
  };
  await serve({ query: echo });
  await send(baseUrl, "GET /v1/query?text=a%20b", { "x-trace": "1" });
  const [context] = seen;
  expect(context?.protocolName).toBe("rest");
  expect(context?.requestMethod).toBe("GET");
  expect(context?.url).toBe(`${baseUrl}/v1/query?text=a%20b`);
  expect(context?.method).toBe(service.method.query);
  expect(context?.service).toBe(service);
  expect(context?.requestHeader.get("x-trace")).toBe("1");
  expect(context && originOf(context.values).address).toBe("127.0.0.1");
  expect(context?.timeoutMs()).toBeUndefined();
  expect(context?.signal.aborted).toBe(true);
});

test("interceptors run in order around the handler, and the client gets the headers of all of them", async () => {
  const order: string[] = [];
  const interceptor = (name: string): RestOptions["interceptors"][number] => {
    return (next) => async (request) => {
      order.push(`${name} in`);
      const response = await next(request);
      response.header.set(`x-${name}`, request.method.name);
      order.push(`${name} out`);
      return response;
    };
  };
  const query: Replacements[string] = (request, { responseHeader }) => {
    responseHeader.set("x-handler", "yes");
    responseHeader.set("content-type", "text/plain");
    return request;
  };
  await serve({ query }, { interceptors: [interceptor("outer"), interceptor("inner")] });
  const { headers } = await send(baseUrl, "GET /v1/query");
  expect(order).toEqual(["outer in", "inner in", "inner out", "outer out"]);
  expect(["x-outer", "x-inner", "x-handler"].map((name) => headers.get(name))).toEqual(["Query", "Query", "yes"]);
  expect(headers.get("content-type")).toBe("application/json; charset=utf-8");
});

test("a refusal carries the headers of the handler and of the error", async () => {
  const query: Replacements[string] = (_request, { responseHeader }) => {
    responseHeader.set("x-handler", "yes");
    throw new ConnectError("who are you", Code.Unauthenticated, { "www-authenticate": "Bearer" });
  };
  await serve({ query });
  const response = await send(baseUrl, "GET /v1/query");
  expect([response.status, await response.json()]).toEqual([
    401,
    expect.objectContaining({ code: "UNAUTHENTICATED", detail: "who are you" }),
  ]);
  expect(response.headers.get("x-handler")).toBe("yes");
  expect(response.headers.get("www-authenticate")).toBe("Bearer");
});

test("an unexpected error is answered without its text", async () => {
  await serve({
    query: () => {
      throw new Error("select * from secrets");
    },
  });
  const response = await send(baseUrl, "GET /v1/query");
  const text = await response.text();
  expect([response.status, JSON.parse(text)]).toEqual([500, expect.objectContaining({ code: "INTERNAL" })]);
  expect(text).not.toContain("secret");
});

test("a method without an implementation is UNIMPLEMENTED", async () => {
  ({ app, baseUrl } = await startRestServer({ services: [{ service, implementation: {} as never }] }));
  const response = await send(baseUrl, "GET /v1/query");
  expect([response.status, await response.json()]).toEqual([501, expect.objectContaining({ code: "UNIMPLEMENTED" })]);
});

test("HEAD answers as GET does, without the body", async () => {
  await serve();
  const get = await send(baseUrl, "GET /v1/query/5");
  const head = await send(baseUrl, "HEAD /v1/query/5");
  expect(head.status).toBe(200);
  expect(await head.text()).toBe("");
  expect(head.headers.get("content-length")).toBe(String((await get.arrayBuffer()).byteLength));
});

test("other routes of the instance take precedence", async () => {
  await serve({}, {}, (instance) => {
    instance.get("/v1/query/7", async () => "mine");
  });
  expect(await (await send(baseUrl, "GET /v1/query/7")).text()).toBe("mine");
  expect((await send(baseUrl, "GET /v1/query/8")).status).toBe(200);
});

test("paths outside of the templates' common prefix are left to others", async () => {
  await serve({}, {}, (instance) => {
    instance.all("/*", async () => "theirs");
  });
  for (const line of ["GET /", "GET /v10/query", "POST /elsewhere {}", "GET /V1/query"]) {
    expect([line, await (await send(baseUrl, line)).text()]).toEqual([line, "theirs"]);
  }
  expect((await send(baseUrl, "GET /v1/query")).status).toBe(200);
  expect((await send(baseUrl, "GET /%761/query")).status).toBe(200);
  for (const line of ["GET /v1", "GET /v1/", "GET /v1/nothing", "POST /v1/nothing {"]) {
    const response = await send(baseUrl, line);
    expect([response.status, await response.json()]).toEqual([
      404,
      expect.objectContaining({ reason: "ROUTE_NOT_FOUND" }),
    ]);
  }
});

test("one route cannot be mounted twice", async () => {
  await serve();
  const binding = { service, implementation: echoImplementation(service) };
  await expect(startRestServer({ services: [binding, binding] })).rejects.toThrow("cannot be told from");
});

/** A handler that answers only when its call is aborted. */
function hangingHandler() {
  const begun = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<unknown>();
  const handler: Replacements[string] = async (request, { signal }) => {
    begun.resolve();
    await once(signal, "abort");
    aborted.resolve(signal.reason);
    return request;
  };
  return { begun: begun.promise, aborted: aborted.promise, handler };
}

test("a call is aborted when its client disconnects", async () => {
  const { begun, aborted, handler } = hangingHandler();
  await serve({ query: handler });
  const client = new AbortController();
  const answer = fetch(`${baseUrl}/v1/query`, { signal: client.signal });
  const failed = expect(answer).rejects.toThrow("aborted");
  await begun;
  client.abort();
  expect(await aborted).toMatchObject({ code: Code.Canceled });
  await failed;
});

test("a call is aborted when the service shuts down", async () => {
  const { begun, aborted, handler } = hangingHandler();
  const shutdown = new AbortController();
  await serve({ query: handler }, { shutdownSignal: shutdown.signal });
  const answer = send(baseUrl, "GET /v1/query");
  await begun;
  shutdown.abort("bye");
  expect(await aborted).toBe("bye");
  expect((await answer).status).toBe(200);
});

test("a call after the shutdown is aborted from the start", async () => {
  const states: boolean[] = [];
  const query: Replacements[string] = (request, { signal }) => {
    states.push(signal.aborted);
    return request;
  };
  await serve({ query }, { shutdownSignal: AbortSignal.abort() });
  expect((await send(baseUrl, "GET /v1/query")).status).toBe(200);
  expect(states).toEqual([true]);
});

/** Serves the application over cleartext HTTP/2 as well, for as long as `use` takes. */
async function overHttp2(use: (session: ClientHttp2Session) => Promise<void>): Promise<void> {
  const server: Http2Server = createServer((request, response) => app.routing(request as never, response as never));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  try {
    await use(session);
  } finally {
    session.destroy();
    server.close();
  }
}

async function request2(session: ClientHttp2Session, headers: IncomingHttpHeaders, body?: string) {
  const stream = session.request(headers);
  stream.end(body);
  const [answer] = (await once(stream, "response")) as [IncomingHttpHeaders & { ":status": number }];
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return { status: answer[":status"], headers: answer, body: JSON.parse(Buffer.concat(chunks).toString() || "null") };
}

test("HTTP/2 requests get the same answers", async () => {
  await serve({}, { maxBodyBytes: 100 });
  await overHttp2(async (session) => {
    const json = { ":method": "PUT", ":path": "/v1/everything/5", "content-type": "application/json" };
    expect(await request2(session, { ":path": "/v1/query?text=x" })).toMatchObject({
      status: 200,
      body: { text: "x" },
    });
    expect(await request2(session, json, '{"text":"x"}')).toMatchObject({ status: 200, body: { id: "5", text: "x" } });
    expect(await request2(session, json)).toMatchObject({ status: 200, body: { id: "5" } });
    expect(await request2(session, json, "x".repeat(200))).toMatchObject({ status: 413 });
    expect(await request2(session, { ":path": "/v1/nothing" })).toMatchObject({ status: 404 });
    expect(await request2(session, { ":method": "POST", ":path": "/v1/query" })).toMatchObject({
      status: 405,
      headers: { allow: "GET, HEAD" },
    });
    expect(await request2(session, { ":method": "HEAD", ":path": "/v1/query" })).toMatchObject({
      status: 200,
      body: null,
    });
  });
});

test("a call over HTTP/2 is aborted when its stream is reset", async () => {
  const { begun, aborted, handler } = hangingHandler();
  await serve({ query: handler });
  await overHttp2(async (session) => {
    const stream = session.request({ ":path": "/v1/query" });
    stream.on("error", () => {});
    stream.end();
    await begun;
    stream.close();
    expect(await aborted).toMatchObject({ code: Code.Canceled });
  });
});
