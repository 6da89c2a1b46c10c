/** gRPC-Web's text mode, in which requests and responses are base64. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConcertSchema } from "../gen/frontrow/v1/concert_pb.ts";
import { GetConcertRequestSchema } from "../gen/frontrow/v1/concert_service_pb.ts";
import {
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../gen/health/v1/health_pb.ts";
import { type ServedApp, serveApp } from "./support/served-app.ts";

const getConcert = "/frontrow.v1.ConcertService/GetConcert";
const watch = "/grpc.health.v1.Health/Watch";
const maxBodyBytes = 4_096;
const question = base64(
  encodeEnvelope(0, toBinary(GetConcertRequestSchema, create(GetConcertRequestSchema, { id: 7n }))),
);

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

/** The envelopes of a body in text mode: each group of four characters decodes alone. */
function envelopesOf(text: string): { flags: number; data: Buffer }[] {
  const groups = text.match(/.{4}/gs) ?? [];
  expect(groups.join("")).toBe(text);
  let bytes = Buffer.concat(groups.map((group) => Buffer.from(group, "base64")));
  const envelopes = [];
  while (bytes.length > 0) {
    const end = 5 + bytes.readUInt32BE(1);
    envelopes.push({ flags: bytes.readUInt8(0), data: bytes.subarray(5, end) });
    bytes = bytes.subarray(end);
  }
  return envelopes;
}

function statusOf(text: string): string | undefined {
  return /grpc-status: ?(\d+)/.exec(String(envelopesOf(text).at(-1)?.data))?.[1];
}

describe.each([true, false])("with the fast path: %s", (fastPath) => {
  let app: ServedApp;
  beforeAll(async () => {
    app = await serveApp({ getConcert: ({ id }) => ({ id, name: "Moonlight" }) }, { fastPath, maxBodyBytes });
    await app.readiness.started();
  });
  afterAll(() => app.close());

  const post = (path: string, body: string, type = "application/grpc-web-text") =>
    fetch(`${app.baseUrl}${path}`, { method: "POST", headers: { "content-type": type }, body });

  test.each(["application/grpc-web-text", "application/grpc-web-text+proto"])("answers a call of %s", async (type) => {
    const response = await post(getConcert, question, type);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toMatch(/^application\/grpc-web-text/);
    const text = await response.text();
    const [message] = envelopesOf(text);
    expect(fromBinary(ConcertSchema, message?.data ?? Buffer.of())).toMatchObject({ id: 7n, name: "Moonlight" });
    expect(statusOf(text)).toBe("0");
  });

  test("reads a body whose pieces are padded each", async () => {
    const bytes = Buffer.from(question, "base64");
    const pieces = [bytes.subarray(0, 1), bytes.subarray(1, 3), bytes.subarray(3)].map(base64);
    expect(statusOf(await (await post(getConcert, pieces.join(""))).text())).toBe("0");
  });

  test.each(["{}", question.slice(1), `${question}=`, "====", "a=aa", "AAAA_-=="])("%j is not base64", async (body) => {
    expect(statusOf(await (await post(getConcert, body)).text())).toBe("3");
  });

  test("rejects a message over the limit with RESOURCE_EXHAUSTED, and reads one at the limit", async () => {
    // A field that the request does not have: its tag, its length in two bytes, and as many bytes.
    const padded = (bytes: number) => {
      const data = Buffer.alloc(bytes);
      data.set([0x7a, ((bytes - 3) & 0x7f) | 0x80, (bytes - 3) >> 7]);
      return base64(encodeEnvelope(0, data));
    };
    expect(statusOf(await (await post(getConcert, padded(maxBodyBytes))).text())).toBe("0");
    expect(statusOf(await (await post(getConcert, padded(maxBodyBytes + 1))).text())).toBe("8");
    expect(statusOf(await (await post(getConcert, padded(10 * maxBodyBytes))).text())).toBe("8");
  });

  test("sends each message of a stream at once", async () => {
    const { body } = await post(watch, base64(encodeEnvelope(0, Buffer.of())));
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
    app.readiness.drain();
    while (!(await read()));
    expect(statuses()).toEqual([ServingStatus.SERVING, ServingStatus.NOT_SERVING]);
    expect(statusOf(text)).toBe("0");
  });
});
