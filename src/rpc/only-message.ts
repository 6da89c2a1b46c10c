/** The request message of a call, which interceptors need, also if the call's responses are a stream. */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type StreamRequest, type UnaryRequest } from "@connectrpc/connect";

type Message = MessageShape<DescMessage>;

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

/** Reads the one message of a request whose responses are a stream. Raises INVALID_ARGUMENT for one that cannot be decoded. */
export async function readOnlyMessage(messages: AsyncIterable<Message>): Promise<OnlyMessage> {
  const read: Message[] = [];
  try {
    for await (const message of messages) {
      read.push(message);
      if (read.length > 1) break;
    }
  } catch (error) {
    const { code, rawMessage } = ConnectError.from(error);
    // Connect takes a message that it cannot decode for a fault of the server.
    const isUndecodable = code === Code.Internal && rawMessage.startsWith("parse binary: ");
    throw isUndecodable ? new ConnectError(rawMessage, Code.InvalidArgument) : error;
  }
  const [message] = read;
  if (message !== undefined && read.length === 1) return new OnlyMessage(message);
  const problem = message === undefined ? "has no message" : "has more than one message";
  throw new ConnectError(`the request ${problem}`, Code.Unimplemented);
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
