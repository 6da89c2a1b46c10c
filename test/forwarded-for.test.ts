/** X-Forwarded-For as proxies write it: with ports, on several lines. The audit trail stores the address alone. */
import { connect } from "node:http2";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestService, type TestService } from "./support/service/service.ts";
import { moonlightJson } from "./support/service/stage.ts";
import { jsonType, sendHttp } from "./support/wire/http.ts";

let service: TestService;

beforeAll(async () => {
  service = await startTestService({ APP_TRUSTED_PROXIES: "127.0.0.1,10.0.0.0/8" });
});
afterAll(() => service?.close());

const newestAddress = async () => {
  const [row] = await service.database.query("SELECT actor_address FROM audit_entries ORDER BY id DESC LIMIT 1");
  return row;
};
const path = "/api/v1/concerts";
const body = JSON.stringify(moonlightJson);

test.each([
  ["one line", "203.0.113.7:1, 10.0.0.5:8443", "203.0.113.7"],
  ["several lines", ["203.0.113.8:1", "10.0.0.5:8443", "10.0.0.6"], "203.0.113.8"],
  ["several lines with a lie in the first", ["192.0.2.66", "203.0.113.9:1, 10.0.0.5:8443"], "203.0.113.9"],
  ["IPv6", "[2001:db8::7]:443, 10.0.0.5:8443", "2001:db8::7"],
])("the audit trail stores the address from %s, over HTTP/1.1 and HTTP/2", async (_, forwarded, expected) => {
  const answer = await sendHttp(service.baseUrl, {
    path,
    body,
    headers: { ...jsonType, "x-forwarded-for": forwarded },
  });
  expect(answer.status).toBe(201);
  expect(await newestAddress()).toEqual({ actor_address: expected });

  const session = connect(service.baseUrl);
  const request = { ":method": "POST", ":path": path, ...jsonType, "x-forwarded-for": forwarded };
  const stream = session.request(request);
  stream.end(body);
  const status = await new Promise((resolve) => stream.on("response", (headers) => resolve(headers[":status"])));
  session.destroy();
  expect([status, await newestAddress()]).toEqual([201, { actor_address: expected }]);
});
