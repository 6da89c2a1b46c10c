import { expect, test } from "vitest";
import { protocolOf } from "./detect-protocol.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");

test.each([
  ["", undefined],
  ["P", undefined],
  ["PRI * HTTP/2.", undefined],
  ["PRI * HTTP/2.0", "http2"],
  ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http2"],
  ["PRI * HTTP/1.1", "http1"],
  ["PO", "http1"],
  ["GET / HTTP/1.1", "http1"],
  ["\x16\x03\x01", "http1"],
  ["pri * http/2.0", "http1"],
])("%j is %s", (text, protocol) => {
  expect(protocolOf(bytes(text))).toBe(protocol);
});
