/** Streams of health and reflection, which take no token, opened by one address in numbers, with responses not taken. */
import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { Code, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import * as v1 from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import * as v1alpha from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { Health } from "../../gen/health/v1/health_pb.ts";
import { type ServedApp, serveApp } from "../support/service/served-app.ts";
import { envelope } from "../support/wire/envelopes.ts";

let app: ServedApp;
let sessions: ClientHttp2Session[] = [];

beforeEach(async () => {
  sessions = [];
  app = await serveApp();
});
afterEach(async () => {
  for (const session of sessions) session.destroy();
  await app.close();
});

const symbol = "frontrow.v1.ConcertService";
/** A request for the file that contains a symbol: field 4, the response to which has 73 kB. */
const wholeFile = envelope(Buffer.concat([Buffer.of(0x22, symbol.length), Buffer.from(symbol)]));
const reflectionPath = (service: { typeName: string }) => `/${service.typeName}/ServerReflectionInfo`;

/** Opens streams that take this many bytes of their responses. Collects the gRPC statuses of those that have ended. */
async function openMany(count: number, initialWindowSize: number, path: string, body: Uint8Array) {
  const session = connect(app.baseUrl, { settings: { initialWindowSize } });
  sessions.push(session);
  await once(session, "remoteSettings");
  const statuses: string[] = [];
  let closed = 0;
  for (let index = 0; index < count; index++) {
    const stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/grpc" });
    stream.on("error", () => {}).on("close", () => closed++);
    stream.on("trailers", (headers) => statuses.push(String(headers["grpc-status"])));
    // Reflection goes on for as long as the client does not end its requests. Watch begins at their end.
    if (path.endsWith("/Watch")) stream.end(body);
    else stream.write(body);
  }
  return { session, statuses, closed: () => closed };
}

/** On a busy machine the refusals take their time; the cut comes after five seconds. */
const patience = { timeout: 20_000 };

const refusals = (count: number) => new Array(count).fill(String(Code.ResourceExhausted));

describe.each([
  ["v1", v1.ServerReflection],
  ["v1alpha", v1alpha.ServerReflection],
])("reflection %s", (_, service) => {
  const client = () => {
    const transport = createGrpcTransport({ baseUrl: app.baseUrl });
    return createClient(service as typeof v1.ServerReflection, transport);
  };
  const ask = async () => {
    async function* requests() {
      yield { messageRequest: { case: "fileContainingSymbol", value: symbol } } as const;
    }
    for await (const { messageResponse } of client().serverReflectionInfo(requests())) return messageResponse.case;
    return undefined;
  };

  test("rejects an address's 51st stream, and accepts streams again when the others have ended", async () => {
    const { session, statuses } = await openMany(200, 1, reflectionPath(service), wholeFile);
    await vi.waitFor(() => expect(statuses).toEqual(refusals(150)), patience);
    // The limits of health are separate.
    const health = createClient(Health, createGrpcTransport({ baseUrl: app.baseUrl }));
    expect(await health.check({})).toBeDefined();
    await expect(ask()).rejects.toMatchObject({ code: Code.ResourceExhausted });
    session.destroy();
    await vi.waitFor(async () => expect(await ask()).toBe("fileDescriptorResponse"), patience);
  });

  test("cuts a rejected stream whose client reads nothing", async () => {
    const { statuses, closed } = await openMany(60, 0, reflectionPath(service), wholeFile);
    await vi.waitFor(() => expect(closed()).toBe(10), patience);
    expect(statuses).toEqual([]);
  });
});

test("Watch rejects an address's 101st stream", async () => {
  const { statuses } = await openMany(150, 1, "/grpc.health.v1.Health/Watch", envelope(Buffer.of()));
  await vi.waitFor(() => expect(statuses).toEqual(refusals(50)), patience);
});

test("reflection does not repeat long names in errors", async () => {
  const client = createClient(v1.ServerReflection, createGrpcTransport({ baseUrl: app.baseUrl }));
  const ask = async (request: { host?: string; messageRequest: { case: "fileByFilename"; value: string } }) => {
    async function* requests() {
      yield request;
    }
    for await (const _ of client.serverReflectionInfo(requests())) {
      // Only the end matters.
    }
  };
  const long = "x".repeat(1_001);
  const invalid = { code: Code.InvalidArgument, rawMessage: "a name has at most 1000 characters" };
  await expect(ask({ messageRequest: { case: "fileByFilename", value: long } })).rejects.toMatchObject(invalid);
  const short = { case: "fileByFilename", value: "x" } as const;
  await expect(ask({ host: long, messageRequest: short })).rejects.toMatchObject(invalid);
});
