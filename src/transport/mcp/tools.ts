/** The tools that assistants may call: methods that the schema offers as such (frontrow/v1/tool.proto). */
import type { DescMessage, DescMethod, JsonObject, Registry } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import type { Tool as ToolDescription } from "@modelcontextprotocol/server";
import generated from "../../../gen/mcp/tools.json" with { type: "json" };
import type { ServiceBinding } from "../../rpc/service.ts";
import { decodeJson } from "../json/decode.ts";
import { invalidRequest } from "../json/fault.ts";
import type { ShutdownNotices } from "../shutdown-notices.ts";
import { createCaller, type StartCall } from "../unary.ts";

/** A tool as `scripts/schema/tools.ts` writes it, with the path of its method. */
interface GeneratedTool extends ToolDescription {
  readonly method: string;
}

/** A tool with what is made of it before the first request. */
export interface Tool {
  readonly description: ToolDescription;
  readonly method: DescMethod;
  readonly startCall: StartCall;
}

interface ToolOptions {
  readonly services: readonly ServiceBinding[];
  readonly interceptors: Interceptor[];
  readonly shutdown: ShutdownNotices;
}

/** The compiler takes the types of a JSON file for wider ones than the protocol's. */
const generatedTools = generated.tools as readonly unknown[] as readonly GeneratedTool[];

/** The tools of the services, by their names. Methods that are not served are left out. */
export function readTools({ services, ...around }: ToolOptions): ReadonlyMap<string, Tool> {
  return new Map(
    generatedTools.flatMap(({ method: path, ...description }) => {
      const [typeName, name] = path.split("/");
      const binding = services.find(({ service }) => service.typeName === typeName);
      if (binding === undefined) return [];
      const method = binding.service.methods.find((each) => each.name === name);
      if (method === undefined) throw new Error(`there is no method ${path}: run npm run generate`);
      return [[description.name, { description, method, startCall: createCaller(binding, method.localName, around) }]];
    }),
  );
}

/** The request message of a tool's arguments. Throws INVALID_REQUEST with the first fault. */
export function decodeArguments(
  { method: { input } }: Tool,
  value: JsonObject,
  { registry, hasKey }: { readonly registry?: Registry | undefined; readonly hasKey: boolean },
) {
  const message = decodeJson<DescMessage>(input, value, { unknownKeys: "refuse", registry });
  // An assistant repeats a call whose result it has not seen.
  if (!hasKey && "requestId" in message && message.requestId === "") {
    throw invalidRequest("request_id", "must be a UUID: a new one for each request, the same one to repeat it");
  }
  return message;
}
