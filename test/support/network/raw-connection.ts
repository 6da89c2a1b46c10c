/** Connections on which the test writes every byte. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

export interface RawConnection {
  readonly socket: Socket;
  /** Everything received, as latin1. */
  readonly received: () => string;
  /** Resolves once what was received contains the text. */
  waitFor(text: string): Promise<void>;
  /** Resolves with everything received once the server has closed the connection. */
  readonly closed: Promise<string>;
}

export function openRaw(port: number): RawConnection {
  const socket = connect({ port, host: "127.0.0.1" });
  let received = "";
  socket.on("data", (chunk) => {
    received += chunk.toString("latin1");
  });
  socket.on("error", () => {});
  const closed = new Promise<string>((resolve) => socket.once("close", () => resolve(received)));
  return {
    socket,
    received: () => received,
    async waitFor(text) {
      while (!received.includes(text)) {
        if (socket.destroyed) throw new Error(`closed without ${text}: ${received}`);
        await Promise.race([once(socket, "data"), closed]);
      }
    },
    closed,
  };
}

/** Sends text and resolves with all that comes back until the server closes. */
export function converse(port: number, text: string): Promise<string> {
  const connection = openRaw(port);
  connection.socket.write(text, "latin1");
  return connection.closed;
}

/** Writes one byte at a time, each in a separate packet as far as the system allows. */
export async function drip(socket: Socket, bytes: Buffer): Promise<void> {
  socket.setNoDelay(true);
  for (const byte of bytes) {
    socket.write(Buffer.of(byte));
    await nextTurn();
  }
}

/** A TCP proxy that passes on the first bytes of each client's connection one at a time. */
export function startDrippingProxy(url: string, drippedBytes: number): Promise<TcpProxy> {
  return startTcpProxy(url, {
    join(client, upstream) {
      client.on("close", () => upstream.destroy());
      upstream.on("close", () => client.destroy());
      upstream.on("data", (chunk) => client.write(chunk));
      let left = drippedBytes;
      let passed = Promise.resolve();
      client.on("data", (chunk: Buffer) => {
        const [slow, fast] = [chunk.subarray(0, left), chunk.subarray(left)];
        left -= slow.length;
        passed = passed.then(() => drip(upstream, slow)).then(() => void upstream.write(fast));
      });
    },
  });
}
