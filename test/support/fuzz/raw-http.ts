/** A client of HTTP/1.1 that sends any bytes, and reads the answer byte by byte. */
import { connect, type Socket } from "node:net";
import type { RawRequest } from "./http.ts";

export interface RawAnswer {
  readonly status: number;
  /** By their names in lower case; the last one of each name. */
  readonly headers: ReadonlyMap<string, string>;
  /** Status line, headers and trailers as they came. */
  readonly head: string;
  readonly body: Buffer;
}

/** One connection at a time; a new one when the server has closed the last. */
interface RawClient {
  /** Rejects if the connection ends before the answer does, or if there is none in time. */
  send(request: RawRequest): Promise<RawAnswer>;
  close(): void;
}

/** Longer than any answer takes: the service's own deadline is shorter. */
const patienceMs = 30_000;

/** The bytes of a request, with its body's length or in two chunks. */
export function bytesOf({ method, target, headers, body }: RawRequest): Buffer {
  const lines = [`${method} ${target} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`)];
  const isChunked = headers.some(([name]) => name === "transfer-encoding");
  if (body !== undefined && !isChunked) lines.push(`content-length: ${body.length}`);
  const content = isChunked ? inChunks(body ?? Buffer.alloc(0)) : (body ?? Buffer.alloc(0));
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), content]);
}

function inChunks(body: Buffer): Buffer {
  const half = Math.ceil(body.length / 2);
  const chunks = [body.subarray(0, half), body.subarray(half)].filter((chunk) => chunk.length > 0);
  const framed = chunks.flatMap((chunk) => [
    Buffer.from(`${chunk.length.toString(16)}\r\n`),
    chunk,
    Buffer.from("\r\n"),
  ]);
  return Buffer.concat([...framed, Buffer.from("0\r\n\r\n")]);
}

export function createRawClient(port: number): RawClient {
  let idle: Socket | undefined;

  function exchange(socket: Socket, bytes: Buffer, isHead: boolean): Promise<RawAnswer | undefined> {
    return new Promise((resolve, reject) => {
      let received: Buffer = Buffer.alloc(0);
      const settle = (finish: () => void) => {
        clearTimeout(timer);
        socket.removeAllListeners("data").removeAllListeners("close");
        finish();
      };
      const timer = setTimeout(() => settle(() => reject(new Error("no answer"))), patienceMs);
      const look = (ended: boolean) => {
        try {
          const answer = readAnswer(received, isHead, ended);
          if (answer) settle(() => resolve(answer));
          else if (ended && received.length === 0) settle(() => resolve(undefined));
          else if (ended) settle(() => reject(new Error(`half an answer: ${received.toString("latin1")}`)));
        } catch (error) {
          settle(() => reject(error));
        }
      };
      socket.on("data", (chunk: Buffer) => {
        received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
        look(false);
      });
      socket.once("close", () => look(true));
      socket.write(bytes);
    });
  }

  async function open(): Promise<Socket> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    // "close" follows, and shows whether anything is missing.
    socket.on("error", () => {});
    return socket;
  }

  return {
    async send(request) {
      const bytes = bytesOf(request);
      const used = idle?.destroyed === false ? idle : undefined;
      let socket = used ?? (await open());
      idle = undefined;
      let answer = await exchange(socket, bytes, request.method === "HEAD");
      if (!answer && used) {
        // The server may close an idle connection just when we use it.
        socket = await open();
        answer = await exchange(socket, bytes, request.method === "HEAD");
      }
      if (!answer) throw new Error("the server closed the connection without an answer");
      if (answer.headers.get("connection") === "close") socket.destroy();
      else idle = socket;
      return answer;
    },
    close: () => void idle?.destroy(),
  };
}

/** The final answer in the bytes received; undefined if they are not all of it yet. */
function readAnswer(bytes: Buffer, isHead: boolean, ended: boolean): RawAnswer | undefined {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const head = bytes.toString("latin1", 0, headEnd);
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? Number.NaN);
  if (Number.isNaN(status)) throw new Error(`no status line: ${head}`);
  const rest = bytes.subarray(headEnd + 4);
  if (status < 200 && status !== 101) return readAnswer(rest, isHead, ended);
  const headers = new Map(
    head
      .split("\r\n")
      .slice(1)
      .map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
  );
  const answer = (body: Buffer, trailers = ""): RawAnswer => ({ status, headers, head: head + trailers, body });
  // Of what is no HTTP the server does not know that it was a HEAD: then a body comes, and the connection ends.
  if (isHead && headers.get("connection") === "close") return answer(Buffer.alloc(0));
  if (isHead || status === 204 || status === 304) return withoutRest(rest, answer(Buffer.alloc(0)));
  const length = headers.get("content-length");
  if (length !== undefined) {
    if (rest.length < Number(length)) return undefined;
    return withoutRest(rest.subarray(Number(length)), answer(rest.subarray(0, Number(length))));
  }
  if (headers.get("transfer-encoding") === "chunked") return readChunks(rest, answer);
  return ended ? answer(rest) : undefined;
}

function readChunks(bytes: Buffer, answer: (body: Buffer, trailers: string) => RawAnswer): RawAnswer | undefined {
  const chunks: Buffer[] = [];
  for (let position = 0; ; ) {
    const lineEnd = bytes.indexOf("\r\n", position);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", position, lineEnd), 16);
    if (Number.isNaN(size)) throw new Error("a chunk without a size");
    if (size === 0) {
      // Trailers, each ending in a line break, then an empty line.
      const end = bytes.indexOf("\r\n\r\n", lineEnd);
      if (end < 0) return undefined;
      return withoutRest(
        bytes.subarray(end + 4),
        answer(Buffer.concat(chunks), bytes.toString("latin1", lineEnd, end)),
      );
    }
    const start = lineEnd + 2;
    if (bytes.length < start + size + 2) return undefined;
    chunks.push(bytes.subarray(start, start + size));
    position = start + size + 2;
  }
}

/** More than the one answer would be a request taken for two. */
function withoutRest(rest: Buffer, answer: RawAnswer): RawAnswer {
  if (rest.length > 0) throw new Error(`more than one answer: ${rest.toString("latin1")}`);
  return answer;
}
