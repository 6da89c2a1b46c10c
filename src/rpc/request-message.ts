/** The one request message of a call, also if the call's responses are a stream. Interceptors replace it, never change it. */
import { create, type DescField, type DescMessage, type MessageShape, ScalarType } from "@bufbuild/protobuf";
import { Code, ConnectError, type StreamRequest, type UnaryRequest } from "@connectrpc/connect";
import { DomainError } from "../domain/failure.ts";
import type { Protocol } from "./call-context.ts";

export type AnyRequest = UnaryRequest | StreamRequest;
export type Message = MessageShape<DescMessage>;
/** A field that holds one text, under its own name in a message. */
export type TextField = DescField & { readonly fieldKind: "scalar"; readonly scalar: ScalarType.STRING };

/** The messages of a streaming request that has only one, which was read. */
class OnlyMessage implements AsyncIterable<Message> {
  readonly message: Message;

  constructor(message: Message) {
    this.message = message;
  }

  async *[Symbol.asyncIterator]() {
    yield this.message;
  }
}

/** Reads the one message of a request whose responses are a stream. Raises an error for one that cannot be decoded. */
export async function readOnlyMessage(messages: AsyncIterable<Message>, protocol: Protocol): Promise<OnlyMessage> {
  const read: Message[] = [];
  try {
    for await (const message of messages) {
      read.push(message);
      if (read.length > 1) break;
    }
  } catch (error) {
    throw errorOfMessage(error, protocol === "connect");
  }
  const [message] = read;
  if (message !== undefined && read.length === 1) return new OnlyMessage(message);
  const problem = message === undefined ? "has no message" : "has more than one message";
  throw new ConnectError(`the request ${problem}`, Code.Unimplemented);
}

/** The error for a message that could not be read. */
function errorOfMessage(error: unknown, isConnect: boolean): unknown {
  const { code, rawMessage, cause } = ConnectError.from(error);
  // The cause is the JSON decoder's error. Protocol errors have none.
  if (code === Code.InvalidArgument && cause instanceof Error) {
    return new DomainError({ reason: "INVALID_REQUEST", violations: [{ field: "", message: rawMessage }] });
  }
  // Connect's library raises INTERNAL for binary that it cannot decode, which is gRPC's code for it.
  const isUndecodable = code === Code.Internal && rawMessage.startsWith("parse binary: ");
  return isConnect && isUndecodable ? new ConnectError(rawMessage, Code.InvalidArgument) : error;
}

/** The message of a unary request, or of a streaming one that was read with `readOnlyMessage`. */
export function messageOf({ stream, message }: Pick<AnyRequest, "stream" | "message">): Message {
  if (message instanceof OnlyMessage) return message.message;
  if (stream || !("$typeName" in message)) throw new Error("the request's message was not read");
  return message;
}

/** The request with another message. */
export function withMessage(request: AnyRequest, message: Message): AnyRequest {
  return request.stream ? { ...request, message: new OnlyMessage(message) } : { ...request, message };
}

export function isTextField(field: DescField | undefined): field is TextField {
  return field?.fieldKind === "scalar" && field.scalar === ScalarType.STRING && !field.oneof;
}

/** The text of a field; empty if it is unset. Not by `reflect`, which creates three objects, for each field of each call. */
export function textOf(message: Message, { localName }: TextField): string {
  const text: unknown = Reflect.get(message, localName);
  return typeof text === "string" ? text : "";
}

/** A copy of the message with another text in a field. */
export function withText(message: Message, field: TextField, text: string): Message {
  return create(field.parent, { ...message, [field.localName]: text });
}
