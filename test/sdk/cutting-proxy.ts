/** A TCP proxy before a service that can lose an answer: the service has done the work, and the client does not learn it. */
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
  /** Resets all connections, and new ones until `moveTo` names a service again. */
  goDown(): void;
}

/** Starts a proxy before the service at this URL. */
export async function startCuttingProxy(url: string): Promise<CuttingProxy> {
  let isArmed = false;
  let isDown = false;
  let cuts = 0;

  const join = (client: Socket, upstream: Socket) => {
    let isAnswer = false;
    const requests = createFrameReader(() => {}, clientPreface);
    const answers = createFrameReader(({ type }) => {
      isAnswer ||= type === frameType.headers;
    });
    client.on("data", (chunk: Buffer) => requests.read(chunk));
    // Before `pipe`: its listener then writes to a socket that is destroyed.
    upstream.on("data", (chunk: Buffer) => {
      isAnswer = !requests.isHttp2();
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
