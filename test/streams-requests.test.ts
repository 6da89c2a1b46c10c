/** The request of a stream: its message and the header Idempotency-Key. */
import { Code } from "@connectrpc/connect";
import { describe, expect, onTestFinished, test } from "vitest";
import { openCall, type StreamCallOptions, type Way } from "./support/service/stream-clients.ts";
import { type StreamService, startStreamService } from "./support/service/stream-service.ts";
import { envelope } from "./support/wire/envelopes.ts";

async function start(): Promise<StreamService> {
  const service = await startStreamService();
  onTestFinished(() => service.close());
  return service;
}

type Method = Parameters<StreamService["method"]>[0];

/** Opens a stream that the end of the test cancels. */
function open(service: StreamService, way: Way, method: Method, request = {}, options: StreamCallOptions = {}) {
  const call = openCall(way, service.baseUrl, service.method(method), request, options);
  onTestFinished(() => call.cancel());
  return call;
}

describe("the header Idempotency-Key", () => {
  const key = "0191d0c2-7a4b-7c1e-8f00-1234567890ab";
  const headers = { "Idempotency-Key": key };

  test("sets the key of a message that has the field", async () => {
    const service = await start();
    open(service, "gRPC by grpc-js", "WatchUser", {}, { headers });
    expect((await service.nextFeed()).request).toMatchObject({ requestId: key });
  });

  test.each<[name: string, method: Method, key: string]>([
    ["of a stream that cannot be repeated", "WatchAll", key],
    ["that is empty", "WatchUser", ""],
    ["that is nil", "WatchUser", "00000000-0000-0000-0000-000000000000"],
  ])("is rejected: %s", async (_, method, value) => {
    const service = await start();
    const options = { headers: { "Idempotency-Key": value } };
    expect(await open(service, "Connect JSON over h2c", method, {}, options).next()).toMatchObject({
      end: { reason: "INVALID_REQUEST" },
    });
  });
});

describe("a request that is no message of the method", () => {
  const post = async (type: string, body: Uint8Array) => {
    const service = await start();
    const url = `${service.baseUrl}/frontrow.test.v1.StreamService/WatchAll`;
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": type },
      body: new Uint8Array(envelope(body)),
    });
    return { service, text: await response.text() };
  };
  const noMessage = Buffer.of(0xff);

  test("is INVALID_ARGUMENT by Connect", async () => {
    const { service, text } = await post("application/connect+proto", noMessage);
    expect(text).toContain('"code":"invalid_argument"');
    await service.logged({ level: "debug", code: "InvalidArgument" });
  });

  test("is INTERNAL by gRPC-Web, as in a unary call", async () => {
    const { service, text } = await post("application/grpc-web+proto", noMessage);
    expect(text).toContain(`grpc-status: ${Code.Internal}`);
    await service.logged({ code: "Internal", protocol: "grpc-web" });
  });

  test.each([
    ['{"topic":"a","topic":"b"}', "duplicate object key"],
    ['{"topic":1}', "expected string"],
    ["{", "JSON"],
    ['{"topic":"\xff"}', "utf-8"],
  ])("is INVALID_REQUEST where it is JSON: %j", async (json, words) => {
    const { service, text } = await post("application/connect+json", Buffer.from(json, "latin1"));
    const { error } = JSON.parse(text.slice(5));
    expect(error).toMatchObject({ code: "invalid_argument", message: expect.stringContaining(words) });
    const [info, invalid] = error.details;
    expect(info).toMatchObject({ type: "google.rpc.ErrorInfo", debug: { reason: "INVALID_REQUEST" } });
    expect(invalid.debug).toMatchObject({ fieldViolations: [{ field: "", description: error.message }] });
    await service.logged({ level: "debug", code: "InvalidArgument", reason: "INVALID_REQUEST" });
  });
});
