/** Messages to bytes and back, in the two formats of Connect and gRPC. */
import type { DescMessage, DescMethod, JsonReadOptions, JsonWriteOptions, MessageShape } from "@bufbuild/protobuf";
import { DomainError } from "../../../domain/failure.ts";
import { connectErrorFor } from "../../../rpc/status.ts";
import { createJsonDecoder } from "../../json/decode.ts";
import { tooLarge } from "../envelopes.ts";
import { createMethodSerializationLookup } from "../internals.ts";

export type JsonOptions = Partial<JsonReadOptions & JsonWriteOptions>;
export type AnyMessage = MessageShape<DescMessage>;

export interface Codec {
  /** The request message of a method. Throws a ConnectError for bytes that are none, or too many. */
  parse(method: DescMethod, isJson: boolean, bytes: Uint8Array): AnyMessage;
  /** The bytes of a method's response message. */
  serialize(method: DescMethod, isJson: boolean, message: AnyMessage): Uint8Array;
}

export interface CodecOptions {
  readonly jsonOptions: JsonOptions;
  /** The largest message. */
  readonly maxMessageBytes: number;
}

/** Responses have no limit: they are the service's own. */
const writeMaxBytes = 0xffffffff;

/** Creates a codec for these methods. */
export function createCodec(methods: readonly DescMethod[], { jsonOptions, maxMessageBytes }: CodecOptions): Codec {
  const limits = { readMaxBytes: maxMessageBytes, writeMaxBytes };
  const { registry } = jsonOptions;
  const prepared = new Map(
    methods.map((method) => {
      const serialization = createMethodSerializationLookup(method, undefined, jsonOptions, limits);
      return [
        method,
        { serialization, readJson: createJsonDecoder(method.input, { unknownKeys: "ignore", registry }) },
      ];
    }),
  );
  const of = (method: DescMethod) => {
    const found = prepared.get(method);
    if (!found) throw new Error(`${method.name} is no method of this codec`);
    return found;
  };
  return {
    parse(method, isJson, bytes) {
      const { serialization, readJson } = of(method);
      if (!isJson) return serialization.getI(true).parse(bytes);
      if (bytes.length > maxMessageBytes) throw tooLarge(maxMessageBytes, bytes.length);
      try {
        return readJson(bytes);
      } catch (error) {
        // No interceptor sees it.
        throw error instanceof DomainError ? connectErrorFor(error, { repeatable: false }) : error;
      }
    },
    serialize: (method, isJson, message) => of(method).serialization.getO(!isJson).serialize(message),
  };
}
