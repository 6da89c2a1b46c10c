import { connect, type Socket } from "node:net";
import { readGrpcWeb, readId } from "./grpc-answer.ts";
import { parseHttp1Response } from "./http1-response.ts";
import { reasonInJson, reasonInTrailers, remembering } from "./reasons.ts";
import type { RequestDealer } from "./requests.ts";
import type { Answer, Listener, LoadSpec, Transport } from "./spec.ts";

/** As many as fit the queue of connections that a server has yet to accept. */
const connectAtOnce = 100;
const readBufferBytes = 64 * 1024;
const idStart = '{"id":"';

/** Opens one connection a user, each with nothing but a socket: requests are ready-made, answers barely looked at. */
export async function openHttp1(spec: LoadSpec, dealer: RequestDealer, listener: Listener): Promise<Transport> {
  const { users, ports, transport, collectIds } = spec;
  // One for all: each read is dealt with before the next one.
  const readBuffer = Buffer.allocUnsafe(readBufferBytes);
  const reasonOf = remembering(reasonInJson);
  const reasonOfGrpc = remembering(reasonInTrailers);
  const sockets: Socket[] = [];
  let closing = false;

  function read(bytes: Buffer): Answer | undefined {
    const response = parseHttp1Response(bytes);
    if (!response) return undefined;
    const { status, body } = response;
    if (transport === "grpc-web" && status === 200) return readGrpc(body);
    if (status >= 300) return { outcome: reasonOf(status, body), id: Number.NaN };
    return { outcome: "OK", id: collectIds ? Number.parseInt(body.slice(idStart.length), 10) : Number.NaN };
  }

  function readGrpc(body: string): Answer {
    const { status, details, message } = readGrpcWeb(body);
    if (status !== "0") return { outcome: reasonOfGrpc(status, details), id: Number.NaN };
    return { outcome: "OK", id: collectIds ? readId(message) : Number.NaN };
  }

  function connectUser(user: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let rest: Buffer | undefined;
      let isFollowing = false;
      const take = (answer: Answer) => {
        const followUp = isFollowing || answer.outcome !== "OK" ? undefined : dealer.followUp(user, answer.id);
        isFollowing = followUp !== undefined;
        if (followUp === undefined) listener.onAnswer(user, answer);
        else socket.write(followUp);
      };
      const onRead = (length: number) => {
        const fresh = readBuffer.subarray(0, length);
        const bytes = rest ? Buffer.concat([rest, fresh]) : fresh;
        const answer = read(bytes);
        rest = answer ? undefined : Buffer.from(bytes);
        if (answer) take(answer);
        return true;
      };
      const socket = connect({
        host: "127.0.0.1",
        port: ports[user % ports.length] ?? 0,
        noDelay: true,
        onread: { buffer: readBuffer, callback: onRead },
      });
      socket.once("connect", resolve);
      let cause: unknown;
      socket.on("error", (error) => {
        cause = error;
        reject(error);
      });
      socket.once("close", () => {
        if (!closing) listener.onLoss(new Error("the server has closed a connection", { cause }));
      });
      sockets[user] = socket;
    });
  }

  for (let first = 0; first < users; first += connectAtOnce) {
    const count = Math.min(connectAtOnce, users - first);
    await Promise.all(Array.from({ length: count }, (_, index) => connectUser(first + index)));
  }
  return {
    send: (user) => void sockets[user]?.write(dealer.next(user)),
    close: () => {
      closing = true;
      for (const socket of sockets) socket.destroy();
    },
  };
}
