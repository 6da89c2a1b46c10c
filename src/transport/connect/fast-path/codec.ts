/** Messages to bytes and back, in the two formats of Connect and gRPC. */
import type { DescMessage, DescMethod, JsonReadOptions, JsonWriteOptions, MessageShape } from "@bufbuild/protobuf";
import { DomainError } from "../../../domain/failure.ts";
import { connectErrorFor } from "../../../rpc/status.ts";
import { createJsonDecoder } from "../../json/decode.ts";
import { tooLarge } from "../envelopes.ts";
import { createMethodSerializationLookup } from "../internals.ts";

export type JsonOptions = Partial<JsonReadOptions & JsonWriteOptions>;
export type AnyMessage = MessageShape<DescMessage>;

/** How the messages of a server are read and written. */
export interface MessageOptions {
  readonly jsonOptions: JsonOptions;
  /** The largest message, before and after decompression. */
  readonly maxMessageBytes: number;
}

/** The messages of one method. */
export interface Codec {
  /** The request message. Throws a ConnectError for bytes that are none, or too many. */
  parse(isJson: boolean, bytes: Uint8Array): AnyMessage;
  /** The bytes of a response message. */
  serialize(isJson: boolean, message: AnyMessage): Uint8Array;
}

/** Responses have no limit: they are the service's own. */
const writeMaxBytes = 0xffffffff;

/** Creates the codec of a method. */
export function createCodec(method: DescMethod, { jsonOptions, maxMessageBytes }: MessageOptions): Codec {
  const limits = { readMaxBytes: maxMessageBytes, writeMaxBytes };
  const serialization = createMethodSerializationLookup(method, undefined, jsonOptions, limits);
  const readJson = createJsonDecoder(method.input, { unknownKeys: "ignore", registry: jsonOptions.registry });
  return {
    parse(isJson, bytes) {
      if (!isJson) return serialization.getI(true).parse(bytes);
      if (bytes.length > maxMessageBytes) throw tooLarge(maxMessageBytes, bytes.length);
      try {
        return readJson(bytes);
      } catch (error) {
        // No interceptor sees it.
        throw error instanceof DomainError ? connectErrorFor(error, { repeatable: false }) : error;
      }
    },
    serialize: (isJson, message) => serialization.getO(!isJson).serialize(message),
  };
}
