/**
 * Keeps a user id with a plus sign from being read as another one without a word. A plus sign in a query is a space, as HTML
 * forms send it, so `user_id=bob+tix` asks for the user `bob tix`. If that user has nothing, the client is told: it meant
 * `bob+tix`.
 */
import { type DescMessage, getOption, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { access } from "../../../gen/frontrow/v1/access_pb.ts";
import { invalidRequest } from "../problem.ts";
import type { RestBinding } from "./bindings.ts";
import { findFieldLoosely } from "./fields.ts";
import { parseQuery } from "./query.ts";

/** Throws a ProblemError for a response without content to a query with a plus sign in the user id. */
export type PlusSignCheck = (query: string, response: MessageShape<DescMessage>) => void;

/** The check of a binding. The method's access rule says which field names the user. */
export function createPlusSignCheck({ method }: RestBinding): PlusSignCheck {
  const { userField } = getOption(method, access);
  const field = method.input.fields.find(({ name }) => name === userField);
  if (field === undefined) return () => {};
  return (query, response) => {
    if (!query.includes("+")) return;
    const isMeant = parseQuery(query).some(
      ({ key, text, literal }) => text !== literal && findFieldLoosely(method.input, key) === field,
    );
    if (!isMeant || toBinary(method.output, response).length > 0) return;
    const message = "finds nothing; a plus sign in a query is a space: write %2B for a plus, %20 for a space";
    throw invalidRequest([{ field: field.name, message }]);
  };
}
