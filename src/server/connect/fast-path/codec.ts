/** Messages to bytes and back, in the two formats of Connect and gRPC. */
import type { DescMessage, DescMethod, JsonReadOptions, JsonWriteOptions, MessageShape } from "@bufbuild/protobuf";
import { createMethodSerializationLookup } from "./connect-internals.ts";

export type JsonOptions = Partial<JsonReadOptions & JsonWriteOptions>;
export type AnyMessage = MessageShape<DescMessage>;

export interface Codec {
  /** The request message of a method. Throws a ConnectError for bytes that are none, or too many. */
  parse(method: DescMethod, isJson: boolean, bytes: Uint8Array): AnyMessage;
  /** The bytes of a method's response message. */
  serialize(method: DescMethod, isJson: boolean, message: AnyMessage): Uint8Array;
}

/** Responses have no limit: they are the service's own. */
const writeMaxBytes = 0xffffffff;

/** Creates a codec for these methods. */
export function createCodec(methods: readonly DescMethod[], jsonOptions: JsonOptions, readMaxBytes: number): Codec {
  const limits = { readMaxBytes, writeMaxBytes };
  const prepared = new Map(
    methods.map((method) => [method, createMethodSerializationLookup(method, undefined, jsonOptions, limits)]),
  );
  const of = (method: DescMethod) => {
    const serialization = prepared.get(method);
    if (!serialization) throw new Error(`${method.name} is no method of this codec`);
    return serialization;
  };
  return {
    parse: (method, isJson, bytes) => of(method).getI(!isJson).parse(bytes),
    serialize: (method, isJson, message) => of(method).getO(!isJson).serialize(message),
  };
}
