/** A client program in another language, which makes the calls that a test asks for. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A program that does not end by then is killed. */
const closeTimeoutMs = 10_000;

export interface CallOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** Whether the request is sent compressed. */
  readonly gzip?: boolean;
}

/** A message in ProtoJSON. */
export type Json = Readonly<Record<string, unknown>>;

/** The status of a call that has ended, and the responses before it. */
export interface Ended {
  /** Such as `NOT_FOUND`, or `OK`. */
  readonly code: string;
  readonly message: string;
  /** The error details, decoded by the client's library, with `@type`. */
  readonly details: readonly Json[];
  /** The headers and the trailers, with names in lower case. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly responses: readonly Json[];
}

export interface Call {
  readonly ended: Promise<Ended>;
  /** Resolves with the response of this index. Rejects if the call ends without it. */
  response(index: number): Promise<Json>;
  cancel(): void;
}

export interface Caller {
  start(method: string, request: Json, options?: CallOptions): Call;
  /** Starts a call and waits for its end. */
  call(method: string, request: Json, options?: CallOptions): Promise<Ended>;
  /** Ends the program by ending its input. */
  close(): Promise<void>;
}

interface Event {
  readonly call: number;
  readonly response?: Json;
  readonly end?: Omit<Ended, "responses">;
}

interface Pending {
  receive(event: Event): void;
  fail(error: Error): void;
}

/** Starts a client program. */
export function startCaller(command: readonly string[]): Caller {
  const [file = "", ...args] = command;
  const child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"] });
  const calls = new Map<number, Pending>();
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  child.stdin.on("error", () => {});
  createInterface({ input: child.stdout }).on("line", (line) => {
    const event: Event = JSON.parse(line);
    calls.get(event.call)?.receive(event);
    if (event.end) calls.delete(event.call);
  });
  const closed = once(child, "close").then(() => {
    for (const call of calls.values()) call.fail(new Error(`the client program has ended: ${errors}`));
  });
  const write = (line: object) => child.stdin.write(`${JSON.stringify(line)}\n`);
  let lastNumber = 0;

  const start = (method: string, request: Json, options: CallOptions = {}): Call => {
    lastNumber += 1;
    const number = lastNumber;
    const { pending, ...call } = createPending();
    calls.set(number, pending);
    write({ call: number, method, request, ...options });
    return { ...call, cancel: () => write({ cancel: number }) };
  };
  return {
    start,
    call: (method, request, options) => start(method, request, options).ended,
    close: async () => {
      child.stdin.end();
      const timer = setTimeout(() => child.kill("SIGKILL"), closeTimeoutMs);
      await closed;
      clearTimeout(timer);
    },
  };
}

function createPending(): Pick<Call, "ended" | "response"> & { readonly pending: Pending } {
  const responses: Json[] = [];
  const end = Promise.withResolvers<Ended>();
  // A test that waits for a response only sees the failure there.
  end.promise.catch(() => {});
  let changed = Promise.withResolvers<void>();
  const change = () => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  let isOver = false;
  return {
    ended: end.promise,
    async response(index) {
      for (;;) {
        const response = responses[index];
        if (response) return response;
        if (isOver) throw new Error(`the call has ended: ${JSON.stringify(await end.promise)}`);
        await changed.promise;
      }
    },
    pending: {
      receive(event) {
        if (event.response) responses.push(event.response);
        isOver = event.end !== undefined;
        if (event.end) end.resolve({ ...event.end, details: event.end.details ?? [], responses });
        change();
      },
      fail(error) {
        isOver = true;
        end.reject(error);
        change();
      },
    },
  };
}
