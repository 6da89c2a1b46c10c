/** The request message of a call, which interceptors need, also if the call's responses are a stream. */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type StreamRequest, type UnaryRequest } from "@connectrpc/connect";
import { DomainError } from "../../domain/failure.ts";

type Message = MessageShape<DescMessage>;

export type StreamProtocol = "connect" | "grpc" | "grpc-web";

/** The messages of a request that has only one, which was read. */
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
export async function readOnlyMessage(
  messages: AsyncIterable<Message>,
  protocol: StreamProtocol,
): Promise<OnlyMessage> {
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
  // The cause is the JSON decoder's error. Faults of the protocol have none.
  if (code === Code.InvalidArgument && cause instanceof Error) {
    return new DomainError({ reason: "INVALID_REQUEST", violations: [{ field: "", message: rawMessage }] });
  }
  // Connect's library raises INTERNAL for binary that it cannot decode, which is gRPC's code for it.
  const isUndecodable = code === Code.Internal && rawMessage.startsWith("parse binary: ");
  return isConnect && isUndecodable ? new ConnectError(rawMessage, Code.InvalidArgument) : error;
}

/** The one message of a request, which is that of a unary call or was read with `readOnlyMessage`. */
export function messageOf({ stream, message }: Pick<UnaryRequest | StreamRequest, "stream" | "message">): Message {
  if (!stream) return message as Message;
  if (!(message instanceof OnlyMessage)) throw new Error("the request's message was not read");
  return message.message;
}

/** The request with another message. */
export function withMessage(request: UnaryRequest | StreamRequest, message: Message): UnaryRequest | StreamRequest {
  return request.stream ? { ...request, message: new OnlyMessage(message) } : { ...request, message };
}
