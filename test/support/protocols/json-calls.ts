/** One request in JSON, sent by several protocols, with the answers in one shape. */
import { type DescMethodUnary, fromJson, type JsonValue, type Message, toJson } from "@bufbuild/protobuf";
import { scenarioOf } from "../../methods/index.ts";
import type { JsonObject } from "../scenario/scenario.ts";
import { restCall } from "../service/rest.ts";
import { createProtocolClient, type Outcome, type Protocol, type Refusal } from "./protocols.ts";

/** One protocol of each kind. Other tests cover what differs between protocols of one kind. */
export const jsonProtocols = ["REST", "Connect JSON", "gRPC"] as const satisfies Protocol[];
export type JsonProtocol = (typeof jsonProtocols)[number];

export type JsonAnswer =
  | { readonly ok: true; readonly body: Readonly<Record<string, unknown>>; readonly replayed: boolean }
  | ({ readonly ok: false } & Pick<Refusal, "code" | "reason" | "message" | "violations">);

export interface JsonCaller {
  /** Calls a method, such as `ConcertService.GetConcert`, with a request in snake_case; undefined leaves a field out. */
  call(protocol: JsonProtocol, method: string, request: JsonObject): Promise<JsonAnswer>;
  close(): void;
}

/** Clients of the service at a URL. */
export function createJsonCaller(baseUrl: string): JsonCaller {
  const clients = {
    "Connect JSON": createProtocolClient("Connect JSON", baseUrl),
    gRPC: createProtocolClient("gRPC", baseUrl),
  };
  return {
    async call(protocol, name, request) {
      if (protocol === "REST") return await callRest(baseUrl, name, request);
      const { method } = scenarioOf(name);
      const defined = Object.entries(request).filter((entry): entry is [string, JsonValue] => entry[1] !== undefined);
      return answerOf(
        method,
        await clients[protocol].call(method, fromJson(method.input, Object.fromEntries(defined)) as never),
      );
    },
    close() {
      for (const client of Object.values(clients)) client.close();
    },
  };
}

async function callRest(baseUrl: string, name: string, request: JsonObject): Promise<JsonAnswer> {
  const { status, headers, body } = await restCall(baseUrl, name, request);
  const json = body as Readonly<Record<string, unknown>>;
  if (status < 400) return { ok: true, body: json, replayed: headers.get("idempotency-replayed") === "true" };
  const type = headers.get("content-type") ?? "";
  if (!/^application\/problem\+json\b/.test(type)) throw new Error(`an error of the type ${type}`);
  const { code, reason, detail: message, violations = [] } = json as Omit<Refusal, "message"> & { detail: string };
  return { ok: false, code, reason, message, violations };
}

function answerOf(method: DescMethodUnary, outcome: Outcome<Message>): JsonAnswer {
  if (!outcome.ok) {
    const { code, reason, message, violations } = outcome;
    return { ok: false, code, reason, message, violations };
  }
  const json = toJson(method.output, outcome.message, { useProtoFieldName: true, alwaysEmitImplicit: true });
  return { ok: true, body: json as Record<string, unknown>, replayed: outcome.replayed === "true" };
}
