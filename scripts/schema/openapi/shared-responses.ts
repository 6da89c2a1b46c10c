/** Makes components of responses that several operations have: they are most of the document otherwise. */
import type { JsonObject } from "@bufbuild/protobuf";
import type { Operation } from "./operation.ts";

export interface SharedResponses {
  readonly operations: readonly Operation[];
  /** The components, by name. */
  readonly responses: JsonObject;
}

/** Replaces equal responses by references to components, whose names begin with the given word. */
export function shareResponses(operations: readonly Operation[], word: string): SharedResponses {
  const texts = operations.flatMap(({ operation }) => Object.values(operation.responses as JsonObject).map(textOf));
  const counts = Map.groupBy(texts, (text) => text);
  const names = new Map<string, string>();
  const responses: Record<string, JsonObject> = {};
  const share = ([status, response]: [string, unknown]): [string, JsonObject] => {
    const text = textOf(response);
    const own = response as JsonObject;
    if ((counts.get(text)?.length ?? 0) < 2 || "$ref" in own) return [status, own];
    const name = names.get(text) ?? nameOf(word, status, responses);
    names.set(text, name);
    responses[name] = own;
    return [status, { $ref: `#/components/responses/${name}` }];
  };
  const shared = operations.map(({ operation, ...place }) => ({
    ...place,
    operation: {
      ...operation,
      responses: Object.fromEntries(Object.entries(operation.responses as JsonObject).map(share)),
    },
  }));
  return { operations: shared, responses };
}

const textOf = (response: unknown) => JSON.stringify(response);

/** Such as `Rest404`, and `Rest404B` for another response with this status. */
function nameOf(word: string, status: string, taken: Readonly<Record<string, unknown>>): string {
  const letters = ["", ..."BCDEFGHIJKLMNOPQRSTUVWXYZ"];
  const name = letters.map((letter) => `${word}${status}${letter}`).find((each) => !(each in taken));
  if (name === undefined) throw new Error(`too many responses with the status ${status}`);
  return name;
}
