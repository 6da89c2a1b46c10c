import { expect, test } from "vitest";
import { clientTimeoutMs } from "./request-headers.ts";

const grpcTimeout = (value: string) =>
  clientTimeoutMs(new Headers({ "content-type": "application/grpc", "grpc-timeout": value }));
const none = Number.POSITIVE_INFINITY;

test.each([
  ["1H", 3_600_000],
  ["2M", 120_000],
  ["3S", 3_000],
  ["250m", 250],
  ["500u", 0.5],
  ["1000n", 0.001],
  ["0m", 0],
  ["00000010S", 10_000],
  // The longest possible timeout: eleven thousand years.
  ["99999999H", 359_999_996_400_000],
])("grpc-timeout: %s is %d milliseconds", (value, expected) => {
  expect(grpcTimeout(value)).toBeCloseTo(expected, 9);
});

test.each([
  ["0", 0],
  ["1", 1],
  ["2500", 2_500],
  ["9999999999", 9_999_999_999],
])("connect-timeout-ms: %s is that many", (value, expected) => {
  expect(clientTimeoutMs(new Headers({ "connect-timeout-ms": value }))).toBe(expected);
});

test.each(["", "m", "1", "1h", "-1S", "1.5S", "1 S", "1SS", "999999999S", "Infinity"])(
  "grpc-timeout: %j counts as none",
  (value) => {
    expect(grpcTimeout(value)).toBe(none);
  },
);

test.each(["", "-1", "1.5", "1e3", "0x10", "10000000000", "1ms", "NaN"])(
  "connect-timeout-ms: %j counts as none",
  (value) => {
    expect(clientTimeoutMs(new Headers({ "connect-timeout-ms": value }))).toBe(none);
  },
);

test("a call without a timeout header has no timeout", () => {
  expect(clientTimeoutMs(new Headers())).toBe(none);
});

test.each([
  ["application/grpc", 9_000],
  ["application/GRPC-Web+proto", 9_000],
  ["application/grpc-web-text", 9_000],
  ["application/json", 5],
  ["application/connect+proto", 5],
])("a request in %s has the timeout of the header that its protocol names", (type, expected) => {
  const header = new Headers({ "content-type": type, "grpc-timeout": "9S", "connect-timeout-ms": "5" });
  expect(clientTimeoutMs(header)).toBe(expected);
});

test("a request without a content type, such as a GET, has Connect's timeout", () => {
  expect(clientTimeoutMs(new Headers({ "grpc-timeout": "0S", "connect-timeout-ms": "5" }))).toBe(5);
});
