/**
 * Refuses a request whose user id has a plus sign that the client did not mean as a space. A plus sign in a query is a space,
 * as HTML forms send it, so `user_id=bob+tix` selects the user `bob tix`. If that user has nothing and `bob+tix` has
 * something, the error says how to write it.
 */
import { clone, type DescMessage, getOption, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { access } from "../../../gen/frontrow/v1/access_pb.ts";
import type { DomainError } from "../../domain/failure.ts";
import { invalidRequest } from "../json/fault.ts";
import { findFieldLoosely } from "../json/fields.ts";
import type { RestBinding } from "./bindings.ts";
import { parseQuery } from "./query.ts";

type Message = MessageShape<DescMessage>;

/** The request if the plus signs in the user id are no spaces. */
interface OtherReading {
  readonly message: Message;
  /** The error if that request finds something. */
  readonly error: DomainError;
}

/** The other reading of a request whose response is empty; undefined if there is only one, or the response is not empty. */
export type FindOtherReading = (query: string, request: Message, response: Message) => OtherReading | undefined;

/**
 * Finds the other readings of a binding's requests. The method's access rule says which field names the user. Undefined for a
 * method without such a field.
 */
export function createOtherReadings({ method }: RestBinding): FindOtherReading | undefined {
  const { userField } = getOption(method, access);
  const field = method.input.fields.find(({ name }) => name === userField);
  if (field?.fieldKind !== "scalar") return undefined;
  return (query, request, response) => {
    if (!isEmpty(method.output, response)) return undefined;
    const parameter = parseQuery(query).find(({ key }) => findFieldLoosely(method.input, key) === field);
    if (parameter === undefined || parameter.literal === parameter.text) return undefined;
    const message = clone(method.input, request);
    reflect(method.input, message).set(field, parameter.literal);
    const hint = "finds nothing, because a plus sign in a query is a space: write %2B for a plus, %20 for a space";
    return { message, error: invalidRequest(field.name, hint) };
  };
}

/** Whether a message has no field set. */
export function isEmpty(desc: DescMessage, message: Message): boolean {
  return toBinary(desc, message).length === 0;
}
