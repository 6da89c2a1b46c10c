/** Writes response messages as REST clients read them: snake_case, fields at their default included. */
import { type DescMessage, type MessageShape, type Registry, toJson, toJsonString } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { isJsonObject } from "../json/text.ts";
import type { RestBinding } from "./bindings.ts";

export interface RestAnswer {
  readonly status: number;
  readonly body: string;
  /** The URL path of what was created. */
  readonly location: string | undefined;
}

export type RestEncoder = (message: MessageShape<RestBinding["method"]["output"]>, path: string) => RestAnswer;

/** A function from response messages, with the request's path, to answers. */
export function createEncoder({ method, responseBody, location }: RestBinding, registry?: Registry): RestEncoder {
  const { output } = method;
  const jsonOptions = { useProtoFieldName: true, alwaysEmitImplicit: true, ...(registry && { registry }) };
  const bodyOf = (message: MessageShape<DescMessage>) => {
    if (responseBody === undefined) return toJsonString(output, message, jsonOptions);
    const json = toJson(output, message, jsonOptions);
    return JSON.stringify((isJsonObject(json) ? json[responseBody.name] : undefined) ?? null);
  };
  return (message, path) => {
    const body = bodyOf(message);
    if (location === undefined) return { status: 200, body, location: undefined };
    const id = String(reflect(output, message).get(location.field));
    return { status: 201, body, location: `${location.path ?? path}/${encodeURIComponent(id)}` };
  };
}
