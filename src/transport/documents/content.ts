/** The bytes of a served file: as they are, and compressed for the clients that take gzip. */
import type { IncomingHttpHeaders } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { etagOf } from "../conditional-requests.ts";

interface Representation {
  /** Undefined for the bytes as they are. */
  readonly encoding?: "gzip";
  readonly etag: string;
  read(): Promise<Buffer>;
}

export interface Content {
  readonly plain: Representation;
  readonly gzip: Representation;
}

/** Creates both representations. The bytes are compressed once, when a client first wants it. */
export function createContent(bytes: Buffer): Content {
  const etag = etagOf(bytes, undefined);
  let compressed: Promise<Buffer> | undefined;
  const compress = () => (compressed ??= promisify(gzip)(bytes));
  return {
    plain: { etag, read: () => Promise.resolve(bytes) },
    // Other bytes need another tag (RFC 9110, 8.8.3.3).
    gzip: { encoding: "gzip", etag: etag.replace(/"$/, '-gzip"'), read: compress },
  };
}

/** Whether a client takes gzip (RFC 9110, 12.5.3). */
export function acceptsGzip({ "accept-encoding": accepted = "" }: IncomingHttpHeaders): boolean {
  const weights = new Map(
    [accepted]
      .flat()
      .flatMap((list) => list.split(","))
      .map((each): [string, number] => {
        const [coding = "", ...parameters] = each.split(";").map((part) => part.trim().toLowerCase());
        const weight = parameters.find((parameter) => parameter.startsWith("q="));
        return [coding, weight === undefined ? 1 : Number(weight.slice(2))];
      }),
  );
  return (weights.get("gzip") ?? weights.get("*") ?? 0) > 0;
}

const sliceBytes = 64 * 1024;

/** The bytes in slices: the listener sees a client that takes one after another, but not what is sent of a single one. */
export function* slicesOf(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += sliceBytes) yield bytes.subarray(at, at + sliceBytes);
}
