/** A TCP proxy between a client and the service: it counts what the client's library does not show. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { flag, frameType } from "../../support/http2-frames.ts";

export interface Wire {
  /** `HOST:PORT` for clients. */
  readonly address: string;
  /** Connections of clients so far. */
  readonly connections: number;
  /** Those that are open at this moment. */
  readonly open: number;
  /** HTTP/2 pings of clients so far, without the answers to the server's. */
  readonly pings: number;
  /** GOAWAY frames of the server so far. */
  readonly goaways: number;
  /** Requests and responses so far that have a gzip header in them. */
  readonly zipped: { readonly requests: number; readonly responses: number };
  /** New connections go to the service at this URL. */
  moveTo(url: string): void;
  close(): Promise<void>;
}

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");
const gzipMagic = Buffer.of(0x1f, 0x8b, 0x08);

/** Starts a proxy before the service at this URL. */
export async function startWire(url: string): Promise<Wire> {
  let target = new URL(url);
  const sockets = new Set<Socket>();
  const counts = { connections: 0, open: 0, pings: 0, goaways: 0, zippedRequests: 0, zippedResponses: 0 };

  const server = createServer({ noDelay: true }, (client) => {
    counts.connections += 1;
    counts.open += 1;
    client.on("close", () => {
      counts.open -= 1;
    });
    const upstream = connect({ host: target.hostname, port: Number(target.port), noDelay: true });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => other.destroy());
      // What has been received is still passed on: `pipe` ends the other side then.
      socket.on("close", () => sockets.delete(socket));
      socket.pipe(other);
    }
    const requests = createFrameReader(({ type, flags }) => {
      if (type === frameType.ping && (flags & flag.ack) === 0) counts.pings += 1;
    }, preface);
    const responses = createFrameReader(({ type }) => {
      if (type === frameType.goaway) counts.goaways += 1;
    });
    client.on("data", (chunk: Buffer) => {
      requests.read(chunk);
      if (chunk.includes(gzipMagic)) counts.zippedRequests += 1;
    });
    upstream.on("data", (chunk: Buffer) => {
      // The client speaks first, so it is known by now whether it speaks HTTP/2.
      if (requests.isHttp2()) responses.read(chunk);
      if (chunk.includes(gzipMagic)) counts.zippedResponses += 1;
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  return {
    address: `127.0.0.1:${port}`,
    get connections() {
      return counts.connections;
    },
    get open() {
      return counts.open;
    },
    get pings() {
      return counts.pings;
    },
    get goaways() {
      return counts.goaways;
    },
    get zipped() {
      return { requests: counts.zippedRequests, responses: counts.zippedResponses };
    },
    moveTo(url) {
      target = new URL(url);
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Cuts one direction of a connection into frames. Does nothing once the bytes begin otherwise than with `start`. */
function createFrameReader(found: (frame: { readonly type: number; readonly flags: number }) => void, start?: Buffer) {
  let expected = start;
  let isHttp2 = true;
  let buffered: Buffer = Buffer.alloc(0);
  return {
    isHttp2: () => isHttp2,
    read(chunk: Buffer): void {
      if (!isHttp2) return;
      buffered = Buffer.concat([buffered, chunk]);
      if (expected) {
        const length = Math.min(buffered.length, expected.length);
        isHttp2 = buffered.subarray(0, length).equals(expected.subarray(0, length));
        if (!isHttp2 || length < expected.length) return;
        buffered = buffered.subarray(length);
        expected = undefined;
      }
      for (let end = frameEnd(buffered); end <= buffered.length; end = frameEnd(buffered)) {
        found({ type: buffered.readUInt8(3), flags: buffered.readUInt8(4) });
        buffered = buffered.subarray(end);
      }
    },
  };
}

/** Where the first frame ends, Infinity while its header is not complete. */
function frameEnd(bytes: Buffer): number {
  return bytes.length < 9 ? Number.POSITIVE_INFINITY : 9 + bytes.readUIntBE(0, 3);
}
