/** A TCP proxy between a client and the service: it counts what the client's library does not show. */
import { clientPreface, createFrameReader } from "../../support/network/frame-reader.ts";
import { flag, frameType } from "../../support/network/http2-frames.ts";
import { pipe, startTcpProxy } from "../../support/network/tcp-proxy.ts";

export interface Wire {
  /** `HOST:PORT` for clients. */
  readonly address: string;
  counts(): WireCounts;
  /** Requests and responses so far that have a gzip header in them. */
  zipped(): { readonly requests: number; readonly responses: number };
  /** New connections go to the service at this URL. */
  moveTo(url: string): void;
  close(): Promise<void>;
}

/** What has been seen so far. */
interface WireCounts {
  /** Connections of clients. */
  readonly connections: number;
  /** Those that are open at this moment. */
  readonly open: number;
  readonly closedByServer: number;
  /** HTTP/2 pings of clients, without the answers to the server's. */
  readonly pings: number;
  /** GOAWAY frames of the server. */
  readonly goaways: number;
}

const gzipMagic = Buffer.of(0x1f, 0x8b, 0x08);

/** Starts a proxy before the service at this URL. */
export async function startWire(url: string): Promise<Wire> {
  const counts = { connections: 0, open: 0, closedByServer: 0, pings: 0, goaways: 0 };
  const zipped = { requests: 0, responses: 0 };

  const proxy = await startTcpProxy(url, {
    join(client, upstream) {
      counts.connections += 1;
      counts.open += 1;
      client.on("close", () => {
        counts.open -= 1;
      });
      upstream.once("end", () => {
        counts.closedByServer += 1;
      });
      pipe(client, upstream);
      const requests = createFrameReader(({ type, flags }) => {
        if (type === frameType.ping && (flags & flag.ack) === 0) counts.pings += 1;
      }, clientPreface);
      const responses = createFrameReader(({ type }) => {
        if (type === frameType.goaway) counts.goaways += 1;
      });
      client.on("data", (chunk: Buffer) => {
        requests.read(chunk);
        if (chunk.includes(gzipMagic)) zipped.requests += 1;
      });
      upstream.on("data", (chunk: Buffer) => {
        // The client speaks first, so it is known by now whether it speaks HTTP/2.
        if (requests.isHttp2()) responses.read(chunk);
        if (chunk.includes(gzipMagic)) zipped.responses += 1;
      });
    },
  });
  return {
    address: `127.0.0.1:${proxy.port}`,
    counts: () => ({ ...counts }),
    zipped: () => ({ ...zipped }),
    moveTo: proxy.moveTo,
    close: proxy.close,
  };
}
