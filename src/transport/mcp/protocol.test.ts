/** What the SDK makes of the faults of tools, and of what it cannot write. */
import type { Tool } from "@modelcontextprotocol/server";
import { expect, test } from "vitest";
import { modernRequest } from "../../../test/support/protocols/mcp.ts";
import { type CallTool, createProtocol } from "./protocol.ts";

const params = { name: "list_bookings", arguments: {} };
const legacy = { body: { jsonrpc: "2.0", id: 7, method: "tools/call", params }, headers: {} };
const modern = modernRequest("2026-07-28", "tools/call", params);
const listen = modernRequest("2026-07-28", "subscriptions/listen", { notifications: { toolsListChanged: true } });
const requests = [
  ["2025-11-25", legacy],
  ["2026-07-28", { ...modern, headers: { ...modern.headers, "mcp-name": params.name } }],
] as const;

const types = { accept: "application/json, text/event-stream", "content-type": "application/json" };
function send({ body, headers }: typeof legacy | typeof modern, callTool: CallTool, tools: readonly Tool[] = []) {
  const answer = createProtocol(tools, { verifiesTokens: true });
  return answer(body, new Headers({ ...types, ...headers }), callTool);
}
const noTool: CallTool = () => undefined;
const internalError = (text: string) => expect(JSON.parse(text)).toMatchObject({ error: { code: -32_603 } });

test.each(requests)("a tool that breaks is an error with its cause, by revision %s", async (_, request) => {
  const fault = new Error("the tool is broken");
  const { text, error } = await send(request, () => Promise.reject(fault));
  internalError(text);
  expect(error).toBe(fault);
});

test("a result that the SDK cannot write is an error with its cause", async () => {
  const tool: Tool = {
    ...{ name: "broken", inputSchema: { type: "object" } },
    get outputSchema(): never {
      throw new Error("the schema is broken");
    },
  };
  const { text, error } = await send({ ...legacy, body: { ...legacy.body, method: "tools/list" } }, noTool, [tool]);
  internalError(text);
  expect(error).toMatchObject({ message: expect.stringContaining("the schema is broken") });
});

test.each([
  ["a refused stream", listen],
  ["a tool that does not exist", legacy],
  ["another revision", modernRequest("2099-01-01", "tools/list")],
])("%s is no error", async (_, request) => {
  const { text, error } = await send(request, noTool);
  expect(JSON.parse(text)).toHaveProperty("error");
  expect(error).toBeUndefined();
});
