import { createHandlerContext } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { ConcertService } from "../../../gen/frontrow/v1/concert_service_pb.ts";
import { dropAllowedLength } from "./unary-pipeline.ts";
import { checkConnectVersion, dropEndlessTimeout } from "./workarounds.ts";

describe("a timeout", () => {
  test.each([
    ["connect-timeout-ms", "0"],
    ["connect-timeout-ms", "2147483647"],
    ["grpc-timeout", "596H"],
    ["grpc-timeout", "35791M"],
    ["grpc-timeout", "2147483S"],
    ["grpc-timeout", "99999999m"],
    ["grpc-timeout", "99999999u"],
    // Connect refuses what it cannot read.
    ["connect-timeout-ms", "99999999999"],
    ["connect-timeout-ms", "x"],
    ["grpc-timeout", "999999999S"],
    ["grpc-timeout", "9S9"],
  ])("is left as it is: %s %s", (name, value) => {
    const header = new Headers({ [name]: value });
    dropEndlessTimeout(header);
    expect(header.get(name)).toBe(value);
  });

  test.each([
    ["connect-timeout-ms", "2147483648"],
    ["connect-timeout-ms", "9999999999"],
    ["grpc-timeout", "597H"],
    ["grpc-timeout", "35792M"],
    ["grpc-timeout", "2147484S"],
    ["grpc-timeout", "99999999H"],
  ])("that no timer can wait for is forgotten: %s %s", (name, value) => {
    const header = new Headers({ [name]: value });
    dropEndlessTimeout(header);
    expect(header.has(name)).toBe(false);
  });
});

test("a length is left to Connect if it is over the limit", () => {
  for (const length of ["101", "65536"]) {
    const header = new Headers({ "content-length": length });
    dropAllowedLength(header, 100);
    expect(header.get("content-length")).toBe(length);
  }
  for (const fields of [{ "content-length": "0" }, { "content-length": "100" }, {}]) {
    const header = new Headers(fields);
    dropAllowedLength(header, 100);
    expect(header.has("content-length")).toBe(false);
  }
});

describe("a version of the Connect protocol", () => {
  const check = (protocolName: string, requestMethod: string, version?: string) => () =>
    checkConnectVersion(
      createHandlerContext({
        ...{ service: ConcertService, method: ConcertService.method.getConcert, protocolName, requestMethod },
        url: `http://test/x?${requestMethod === "GET" && version !== undefined ? `connect=${version}` : ""}`,
        requestHeader: requestMethod === "POST" && version !== undefined ? { "Connect-Protocol-Version": version } : {},
      }),
    );

  test.each<[string, string, string?]>([
    ["connect", "POST", "1"],
    ["connect", "POST"],
    ["connect", "GET", "v1"],
    ["connect", "GET"],
    ["grpc", "POST", "2"],
  ])("is right: %s %s %s", (...call) => expect(check(...call)).not.toThrow());

  test.each<[string, string, string?]>([
    ["connect", "POST", "2"],
    ["connect", "POST", "v1"],
    ["connect", "POST", ""],
    ["connect", "GET", "1"],
    ["connect", "GET", ""],
  ])("is wrong: %s %s %s", (...call) =>
    expect(check(...call)).toThrow("[invalid_argument] the version of the Connect"),
  );
});
