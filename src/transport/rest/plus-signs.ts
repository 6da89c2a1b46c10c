/**
 * Keeps a user id with a plus sign from being read as another one without a word. A plus sign in a query is a space, as HTML
 * forms send it, so `user_id=bob+tix` asks for the user `bob tix`. If that user has nothing and `bob+tix` has something, the
 * client is told how to write what it meant.
 */
import { type DescMessage, getOption, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { access } from "../../../gen/frontrow/v1/access_pb.ts";
import type { DomainError } from "../../domain/failure.ts";
import { invalidRequest } from "../json/fault.ts";
import { findFieldLoosely } from "../json/fields.ts";
import type { RestBinding } from "./bindings.ts";
import { parseQuery } from "./query.ts";

type Message = MessageShape<DescMessage>;

/** What is asked for if the plus signs in the user id are no spaces. */
export interface OtherReading {
  readonly message: Message;
  /** For when that finds something. */
  readonly problem: DomainError;
}

/** The other reading of a request whose response is empty; undefined if there is only one, or the response is not empty. */
export type FindOtherReading = (query: string, request: Message, response: Message) => OtherReading | undefined;

/** Finds the other readings of a binding's requests. The method's access rule says which field names the user. */
export function createOtherReadings({ method }: RestBinding): FindOtherReading {
  const { userField } = getOption(method, access);
  const field = method.input.fields.find(({ name }) => name === userField);
  if (field === undefined) return () => undefined;
  return (query, request, response) => {
    if (!query.includes("+") || !isEmpty(method.output, response)) return undefined;
    const parameter = parseQuery(query).find(({ key }) => findFieldLoosely(method.input, key) === field);
    if (parameter === undefined || parameter.literal === parameter.text) return undefined;
    const message = "finds nothing, because a plus sign in a query is a space: write %2B for a plus, %20 for a space";
    return {
      message: Object.assign({ ...request }, { [field.localName]: parameter.literal }),
      problem: invalidRequest(field.name, message),
    };
  };
}

/** Whether a message says nothing. */
export function isEmpty(desc: DescMessage, message: Message): boolean {
  return toBinary(desc, message).length === 0;
}
