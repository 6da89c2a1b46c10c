/** The page under test: makes the calls that the test asks for, by the client libraries that pages use. */
import { type DescMethod, fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { BookingService } from "../../../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../../../gen/frontrow/v1/concert_service_pb.ts";
import { Health } from "../../../gen/health/v1/health_pb.ts";
import type { PageCall, PageCalls, PageOutcome } from "./calls.ts";
import { connectWeb } from "./connect-web.ts";
import { grpcWeb } from "./grpc-web.ts";

declare global {
  interface Window {
    calls: PageCalls;
  }
}

interface RunningCall {
  readonly controller: AbortController;
  readonly messages: JsonValue[];
  readonly ended: Promise<PageOutcome>;
  /** Called after each message. */
  onReceived: () => void;
}

const methods = new Map<string, DescMethod>(
  [ConcertService, BookingService, Health].flatMap(({ typeName, methods }) =>
    methods.map((method): [string, DescMethod] => [`${typeName}/${method.name}`, method]),
  ),
);
const running = new Map<string, RunningCall>();

window.calls = {
  start(name, call) {
    const controller = new AbortController();
    const messages: JsonValue[] = [];
    const onMessage = (message: JsonValue) => {
      messages.push(message);
      running.get(name)?.onReceived();
    };
    const ended = make(call, controller.signal, onMessage).then((outcome) => ({ ...outcome, messages }));
    running.set(name, { controller, messages, ended, onReceived: () => {} });
  },
  cancel: (name) => find(name).controller.abort(),
  async received(name, count) {
    const call = find(name);
    const enough = new Promise<void>((resolve) => {
      call.onReceived = () => {
        if (call.messages.length >= count) resolve();
      };
      call.onReceived();
    });
    await Promise.race([enough, call.ended]);
    return call.messages;
  },
  ended: (name) => find(name).ended,
};

function find(name: string): RunningCall {
  const call = running.get(name);
  if (!call) throw new Error(`there is no call ${name}`);
  return call;
}

async function make(
  call: PageCall,
  signal: AbortSignal,
  onMessage: (message: JsonValue) => void,
): Promise<Omit<PageOutcome, "messages">> {
  const method = methods.get(call.method);
  if (!method) throw new Error(`there is no method ${call.method}`);
  let headers: Readonly<Record<string, string>> = {};
  const client = call.client.startsWith("connect-web") ? connectWeb : grpcWeb;
  const error = await client(method, fromJson(method.input, call.request), {
    call,
    signal,
    onHeaders: (received) => {
      headers = { ...headers, ...received };
    },
    onMessage: (message) => onMessage(toJson(method.output, message, { alwaysEmitImplicit: true })),
  });
  return error ? { headers, error } : { headers };
}
