/**
 * A TCP proxy before a service that can lose an answer: the service has done the work, and the client does not learn it. It
 * counts requests, and those that the client cancels.
 */
import type { Socket } from "node:net";
import { clientPreface, createFrameReader } from "../support/network/frame-reader.ts";
import { frameType } from "../support/network/http2-frames.ts";
import { pipe, startTcpProxy, type TcpProxy } from "../support/network/tcp-proxy.ts";

export interface CuttingProxy extends Pick<TcpProxy, "moveTo" | "close"> {
  /** `http://127.0.0.1:PORT` for clients. */
  readonly address: string;
  /** Resets the connection of the next answer in place of passing the answer on. */
  cutNextAnswer(): void;
  /** How many answers have been lost so far. */
  cuts(): number;
  /** How many requests clients have sent so far, without those by which browsers ask whether they may send others. */
  requests(): number;
  /** How many of them clients have cancelled before an answer. */
  cancellations(): number;
  /** Resets all connections, and new ones until `moveTo` names a service again. */
  goDown(): void;
}

/** The first line of a request by HTTP/1.1. Clients send it in one piece. */
const requestLine = /(?:GET|POST) \/\S* HTTP\/1\.1\r\n/g;
/** HTTP/1.1 has one request at a time on a connection. */
const onlyStream = 0;

/** Starts a proxy before the service at this URL. */
export async function startCuttingProxy(url: string): Promise<CuttingProxy> {
  let isArmed = false;
  let isDown = false;
  let cuts = 0;
  let requests = 0;
  let cancellations = 0;

  const join = (client: Socket, upstream: Socket) => {
    let isAnswer = false;
    const unanswered = new Set<number>();
    const begin = (stream: number) => {
      requests += 1;
      unanswered.add(stream);
    };
    const sent = createFrameReader(({ type, stream }) => {
      if (type === frameType.headers) begin(stream);
      if (type === frameType.reset && unanswered.delete(stream)) cancellations += 1;
    }, clientPreface);
    const answers = createFrameReader(({ type, stream }) => {
      if (type !== frameType.headers) return;
      isAnswer = true;
      unanswered.delete(stream);
    });
    client.on("data", (chunk: Buffer) => {
      sent.read(chunk);
      if (!sent.isHttp2()) for (const _ of chunk.toString("latin1").matchAll(requestLine)) begin(onlyStream);
    });
    client.on("close", () => {
      cancellations += unanswered.size;
    });
    // Before `pipe`: its listener then writes to a socket that is destroyed.
    upstream.on("data", (chunk: Buffer) => {
      isAnswer = !sent.isHttp2();
      if (isAnswer) unanswered.delete(onlyStream);
      answers.read(chunk);
      if (!isArmed || !isAnswer) return;
      isArmed = false;
      cuts += 1;
      for (const socket of [client, upstream]) socket.resetAndDestroy();
    });
    pipe(client, upstream);
  };

  const proxy = await startTcpProxy(url, { join, accepts: () => !isDown });
  return {
    address: `http://127.0.0.1:${proxy.port}`,
    cutNextAnswer: () => {
      isArmed = true;
    },
    cuts: () => cuts,
    requests: () => requests,
    cancellations: () => cancellations,
    goDown() {
      isDown = true;
      proxy.cut();
    },
    moveTo(next) {
      proxy.moveTo(next);
      isDown = false;
    },
    close: proxy.close,
  };
}
