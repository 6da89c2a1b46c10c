/** Writes response messages as REST clients read them: snake_case, fields at their default included. */
import { type MessageShape, type Registry, toJson, toJsonString } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { isJsonObject } from "../json/text.ts";
import type { RestBinding } from "./bindings.ts";

export interface RestAnswer {
  readonly status: number;
  readonly body: string;
  /** The URL path of what was created. */
  readonly location?: string;
}

export type RestEncoder = (message: MessageShape<RestBinding["method"]["output"]>, path: string) => RestAnswer;

/** A function from response messages, with the request's path, to answers. */
export function createEncoder({ method, responseBody, locationField }: RestBinding, registry?: Registry): RestEncoder {
  const { output } = method;
  const jsonOptions = { useProtoFieldName: true, alwaysEmitImplicit: true, ...(registry && { registry }) };
  if (responseBody !== undefined) {
    return (message) => {
      const json = toJson(output, message, jsonOptions);
      const value = isJsonObject(json) ? json[responseBody.name] : undefined;
      return { status: 200, body: JSON.stringify(value ?? null) };
    };
  }
  if (locationField !== undefined) {
    return (message, path) => {
      const id = encodeURIComponent(String(reflect(output, message).get(locationField)));
      return { status: 201, body: toJsonString(output, message, jsonOptions), location: `${path}/${id}` };
    };
  }
  return (message) => ({ status: 200, body: toJsonString(output, message, jsonOptions) });
}
