/** Clients of the Model Context Protocol, by its SDK, and what they read of a tool's result. */
import { type CallToolResult, Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

/** The revisions of the protocol that the service speaks: the last with a handshake, and the first without. */
export const revisions = ["2025-11-25", "2026-07-28"] as const;
export type Revision = (typeof revisions)[number];

export interface McpClient extends AsyncDisposable {
  readonly client: Client;
  call(name: string, args?: Readonly<Record<string, unknown>>): Promise<CallToolResult>;
}

/** Connects a client to the service at `baseUrl`. */
export async function connectMcp(
  baseUrl: string,
  revision: Revision,
  headers: Readonly<Record<string, string>> = {},
): Promise<McpClient> {
  const mode = revision === "2025-11-25" ? "legacy" : { pin: revision };
  const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode } });
  await client.connect(new StreamableHTTPClientTransport(new URL("/mcp", baseUrl), { requestInit: { headers } }));
  return {
    client,
    call: (name, args = {}) => client.callTool({ name, arguments: { ...args } }),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/** The error in a tool's result: its sentence, and the details for programs. */
export function errorIn({ isError, content, structuredContent }: CallToolResult) {
  const [sentence, details] = content.map((each) => (each.type === "text" ? each.text : undefined));
  return { isError, message: sentence, structuredContent, ...JSON.parse(details ?? "{}") };
}
