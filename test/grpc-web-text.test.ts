/** gRPC-Web's text mode, in which requests and responses are base64. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { ConcertSchema } from "../gen/frontrow/v1/concert_pb.ts";
import { GetConcertRequestSchema } from "../gen/frontrow/v1/concert_service_pb.ts";
import {
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../gen/health/v1/health_pb.ts";
import { serveFastPath } from "./support/service/fast-path-app.ts";
import { type ConcertHandlers, type ServedApp, serveApp } from "./support/service/served-app.ts";
import { decodeText, type Envelope, envelope, readEnvelopes } from "./support/wire/envelopes.ts";

const getConcert = "/frontrow.v1.ConcertService/GetConcert";
const watch = "/grpc.health.v1.Health/Watch";
const maxBodyBytes = 4_096;
const question = base64(envelope(toBinary(GetConcertRequestSchema, create(GetConcertRequestSchema, { id: 7n }))));

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

/** The envelopes of a body in text mode. */
function envelopesOf(text: string): Envelope[] {
  expect(text).toMatch(/^(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)+$/);
  return readEnvelopes(decodeText(Buffer.from(text)));
}

/** The status and the error in the trailer. */
function trailerOf(text: string) {
  const trailer = String(envelopesOf(text).at(-1)?.data);
  const [status, error] = [/grpc-status: ?(\d+)/, /grpc-message: ?(.*)/].map((field) => field.exec(trailer)?.[1]);
  return { status, error: decodeURIComponent(error ?? "") };
}

const post = (port: number, path: string, body: string, type = "application/grpc-web-text") =>
  fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", headers: { "content-type": type }, body });

const statusOf = async (response: Promise<Response>) => trailerOf(await (await response).text()).status;

const handlers: ConcertHandlers = { getConcert: ({ id }) => ({ id, name: "Moonlight" }) };

describe.each([
  ["the fast path alone", () => serveFastPath(handlers, { maxMessageBytes: maxBodyBytes })],
  ["the application with the fast path", () => serveApp(handlers, { fastPath: true, maxBodyBytes })],
  ["the application without the fast path", () => serveApp(handlers, { fastPath: false, maxBodyBytes })],
] as const)("%s", (_, serve) => {
  let app: Pick<ServedApp, "port" | "close">;
  beforeAll(async () => {
    app = await serve();
  });
  afterAll(() => app.close());

  test.each(["application/grpc-web-text", "application/grpc-web-text+proto"])("answers a call of %s", async (type) => {
    const response = await post(app.port, getConcert, question, type);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toMatch(/^application\/grpc-web-text/);
    const text = await response.text();
    const [message] = envelopesOf(text);
    expect(fromBinary(ConcertSchema, message?.data ?? Buffer.of())).toMatchObject({ id: 7n, name: "Moonlight" });
    expect(trailerOf(text)).toEqual({ status: "0", error: "" });
  });

  test("reads a body whose pieces are padded each", async () => {
    const bytes = Buffer.from(question, "base64");
    const pieces = [bytes.subarray(0, 1), bytes.subarray(1, 3), bytes.subarray(3)].map(base64);
    expect(await statusOf(post(app.port, getConcert, pieces.join("")))).toBe("0");
  });

  const noBase64 = ["{}", question.slice(1), `${question}=`, "====", "a=aa", "AAAA_-==", "AAAA!AAA", "AAA", "A==="];
  test.each([...noBase64, "AAAA\n"])("refuses %j, which is not base64", async (body) => {
    const text = await (await post(app.port, getConcert, body)).text();
    expect(trailerOf(text)).toEqual({ status: "3", error: "protocol error: the body is not base64" });
  });

  test("rejects a message over the limit with RESOURCE_EXHAUSTED, and reads one at the limit", async () => {
    // A field that the request does not have: its tag, its length in two bytes, and as many bytes.
    const padded = (bytes: number) => {
      const data = Buffer.alloc(bytes);
      data.set([0x7a, ((bytes - 3) & 0x7f) | 0x80, (bytes - 3) >> 7]);
      return base64(envelope(data));
    };
    expect(await statusOf(post(app.port, getConcert, padded(maxBodyBytes)))).toBe("0");
    expect(await statusOf(post(app.port, getConcert, padded(maxBodyBytes + 1)))).toBe("8");
    expect(await statusOf(post(app.port, getConcert, padded(10 * maxBodyBytes)))).toBe("8");
  });
});

test.each([true, false])("a stream's messages arrive when they are sent, with the fast path: %s", async (fastPath) => {
  const { port, readiness, close } = await serveApp({}, { fastPath });
  onTestFinished(close);
  await readiness.started();
  const { body } = await post(port, watch, base64(envelope(Buffer.of())));
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const read = async () => {
    const piece = await reader?.read();
    text += piece?.value ?? "";
    return piece?.done ?? true;
  };
  const statuses = () =>
    envelopesOf(text)
      .filter(({ flags }) => flags === 0)
      .map(({ data }) => fromBinary(HealthCheckResponseSchema, data).status);
  await read();
  expect(statuses()).toEqual([ServingStatus.SERVING]);
  readiness.drain();
  while (!(await read()));
  expect(statuses()).toEqual([ServingStatus.SERVING, ServingStatus.NOT_SERVING]);
  expect(trailerOf(text).status).toBe("0");
});
