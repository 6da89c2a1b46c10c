import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { createIdReader } from "./grpc-answer.ts";
import { reasonInTrailers, remembering } from "./reasons.ts";
import type { RequestDealer } from "./requests.ts";
import type { Listener, LoadSpec, Transport } from "./spec.ts";

/** Fewer than the streams that a server allows on one connection. */
const usersPerConnection = 500;
const minConnections = 4;

/** Opens a few HTTP/2 connections. Each request is one stream. */
export async function openGrpc(spec: LoadSpec, dealer: RequestDealer, listener: Listener): Promise<Transport> {
  const { users, ports, path, collectIds } = spec;
  const wanted = Math.max(minConnections, Math.ceil(users / usersPerConnection));
  const count = Math.ceil(Math.min(users, wanted) / ports.length) * ports.length;
  const sessions: ClientHttp2Session[] = [];
  const reasonOf = remembering(reasonInTrailers);
  const header = {
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    "user-agent": "frontrow-bench",
  };

  async function connectSession(port: number): Promise<ClientHttp2Session> {
    const session = connect(`http://127.0.0.1:${port}`);
    await once(session, "connect");
    // Each of its streams emits the error too.
    session.on("error", () => {});
    return session;
  }

  function send(user: number): void {
    const session = sessions[user % sessions.length];
    if (!session || session.closed) {
      listener.onLoss(new Error("the server has closed a connection"));
      return;
    }
    const stream = session.request(header, { endStream: false });
    const readId = createIdReader();
    let id = Number.NaN;
    let status = "";
    let details = "";
    const readStatus = (headers: Record<string, unknown>) => {
      if (headers["grpc-status"] === undefined) return;
      status = String(headers["grpc-status"]);
      details = String(headers["grpc-status-details-bin"] ?? "");
    };
    stream.on("response", readStatus);
    stream.on("trailers", readStatus);
    stream.on("data", (piece: Buffer) => {
      if (collectIds) id = readId(piece);
    });
    let cause: unknown;
    stream.on("error", (error) => {
      cause = error;
    });
    stream.once("close", () => {
      if (status === "0") listener.onAnswer(user, { outcome: "OK", id });
      else if (status !== "") listener.onAnswer(user, { outcome: reasonOf(status, details), id: Number.NaN });
      else listener.onLoss(new Error(`a stream ended without a status, code ${stream.rstCode}`, { cause }));
    });
    stream.end(dealer.next(user));
  }

  for (let index = 0; index < count; index++) {
    sessions.push(await connectSession(ports[index % ports.length] ?? 0));
  }
  return {
    send,
    close: () => {
      for (const session of sessions) session.destroy();
    },
  };
}
