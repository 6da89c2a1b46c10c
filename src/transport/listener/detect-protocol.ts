/** Distinguishes HTTP/2 with prior knowledge from HTTP/1.1 by a connection's first bytes. */
import type { Socket } from "node:net";

export type Protocol = "http1" | "http2";

/** The start of the preface that every HTTP/2 client sends first (RFC 9113, 3.4): no HTTP/1 request begins like it. */
const http2Preface = Buffer.from("PRI * HTTP/2.0", "latin1");

/** The protocol of a connection that began with these bytes, or undefined while they could still become either. */
export function protocolOf(bytes: Uint8Array): Protocol | undefined {
  const length = Math.min(bytes.length, http2Preface.length);
  if (http2Preface.compare(bytes, 0, length, 0, length) !== 0) return "http1";
  return length === http2Preface.length ? "http2" : undefined;
}

/**
 * Reads just enough of a connection to detect its protocol, puts those bytes back, and passes the connection on, paused.
 * A connection that ends or stays undecided for `timeoutMs` is closed.
 */
export function detectProtocol(socket: Socket, timeoutMs: number, decided: (protocol: Protocol) => void): void {
  let seen: Buffer = Buffer.alloc(0);
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  const onEnd = () => socket.destroy();
  const onData = (chunk: Buffer) => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const protocol = protocolOf(seen);
    if (protocol === undefined) return;
    stop();
    socket.pause();
    socket.unshift(seen);
    decided(protocol);
  };
  const stop = () => {
    clearTimeout(timer);
    socket.off("data", onData).off("end", onEnd).off("close", stop);
  };
  // "data", not "readable" with read(): that loses requests that drip in byte by byte.
  socket.on("data", onData).on("end", onEnd).on("close", stop);
}
