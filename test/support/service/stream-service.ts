/** A service of the test-only schema whose methods stream what a test sends, behind the guards of the real service. */
import type { DescMethodServerStreaming, DescService } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { expect, vi } from "vitest";
import { loadConfig } from "../../../src/config/load.ts";
import { createHost, type Host } from "../../../src/host.ts";
import { type GuardReplacements, openGuards } from "../../../src/rpc/guards.ts";
import { openTracing } from "../../../src/telemetry/tracing/index.ts";
import { createAppContext, serveServices } from "./served-app.ts";
import type { Settings } from "./service.ts";
import { loadTestService } from "./test-schema.ts";

/** A running handler. */
interface Feed {
  readonly request: Readonly<Record<string, unknown>>;
  readonly context: HandlerContext;
  send(text: string): void;
  /** Sends this text without end, as fast as the stream takes it. */
  flood(text: string): void;
  end(error?: unknown): void;
  /** How many messages were taken from the handler. */
  readonly taken: number;
}

export interface StreamService {
  readonly baseUrl: string;
  readonly method: (name: "WatchAll" | "WatchUser" | "WatchBooking") => DescMethodServerStreaming;
  /** The handlers in the order of their starts. */
  readonly feeds: readonly Feed[];
  /** Resolves when the next handler starts. */
  nextFeed(): Promise<Feed>;
  /** The log lines of calls that have ended. */
  readonly calls: readonly Readonly<Record<string, unknown>>[];
  /** Resolves when there is a line of a call with these fields. */
  logged(fields: object): Promise<void>;
  /** Everything that was logged. */
  readonly lines: readonly Readonly<Record<string, unknown>>[];
  /** Drains. Resolves when every connection is closed. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

export interface StreamServiceOptions {
  readonly settings?: Settings;
  readonly streams?: Pick<GuardReplacements, "longestStreamMs" | "maxUnsentBytes">;
  /** Gets the service's events from the start. */
  readonly observe?: (subscribe: Host["subscribe"]) => void;
  /** Runs in each handler before its first message. */
  readonly begin?: (context: HandlerContext) => void;
}

let schema: Promise<DescService> | undefined;

export async function startStreamService(options: StreamServiceOptions = {}): Promise<StreamService> {
  schema ??= loadTestService("frontrow.test.v1.StreamService");
  const service = await schema;
  const env = { APP_AUTH_MODE: "none", ...options.settings };
  const { config } = loadConfig({ argv: [], env, readFile: () => undefined, projectRoot: "/" });
  const appContext = createAppContext();
  const { logged: lines, logger, readiness } = appContext;
  const stack = new AsyncDisposableStack();
  const host = createHost(config, logger, new AbortController().signal, stack);
  const { publish, subscribe } = host;
  options.observe?.(subscribe);
  const beginTrace = await openTracing(config.tracing, host, stack);
  const { draining } = readiness;
  const guardOptions = { services: [service], publish, draining, beginTrace, stack, instead: options.streams ?? {} };
  const { interceptors } = await openGuards(config, guardOptions);
  const feeds: Feed[] = [];
  const watch = (request: object, context: HandlerContext) => {
    options.begin?.(context);
    const { feed, messages } = createFeed(request, context);
    feeds.push(feed);
    return messages;
  };
  const implementation = { watchAll: watch, watchUser: watch, watchBooking: watch };
  const app = await serveServices(
    [{ service, implementation: implementation as unknown as ServiceImpl<DescService> }],
    { interceptors, maxBodyBytes: config.maxBodyBytes, trustedProxies: config.trustedProxies },
    appContext,
  );
  const calls = () => lines.filter(({ msg }) => msg === "call");
  let awaited = 0;
  return {
    baseUrl: app.baseUrl,
    method(name) {
      const isStream = (method: DescService["methods"][number]): method is DescMethodServerStreaming =>
        method.methodKind === "server_streaming" && method.name === name;
      return service.methods.find(isStream) ?? expect.unreachable();
    },
    feeds,
    async nextFeed() {
      const index = awaited++;
      return await vi.waitFor(() => feeds[index] ?? expect.unreachable(), patience);
    },
    get calls() {
      return calls();
    },
    async logged(fields) {
      await vi.waitFor(() => expect(calls()).toContainEqual(expect.objectContaining(fields)), patience);
    },
    lines,
    drain: () => app.drain(),
    async close() {
      await app.close();
      await stack.disposeAsync();
    },
  };
}

const patience = { timeout: 20_000, interval: 5 };

function createFeed(request: object, context: HandlerContext) {
  const queue: string[] = [];
  let flood: string | undefined;
  let outcome: { readonly error?: unknown } | undefined;
  let taken = 0;
  let changed = Promise.withResolvers<void>();
  const change = (action: () => void) => {
    action();
    changed.resolve();
  };
  async function* messages() {
    for (;;) {
      const text = queue.shift() ?? flood;
      if (text !== undefined) {
        taken++;
        yield { text };
      } else if (outcome) {
        if (outcome.error !== undefined) throw outcome.error;
        return;
      } else {
        changed = Promise.withResolvers();
        await changed.promise;
      }
    }
  }
  const feed: Feed = {
    request: request as Feed["request"],
    context,
    send: (text) => change(() => queue.push(text)),
    flood: (text) => change(() => (flood = text)),
    end: (error) => change(() => (outcome = { error })),
    get taken() {
      return taken;
    },
  };
  return { feed, messages: messages() };
}
