/** Where an issuer publishes its keys, for better or worse. */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { JWK } from "jose";

export interface KeyServer {
  readonly url: URL;
  /** How often it was asked so far. */
  readonly asked: number;
  /** Answers with this key set from now on. */
  publish(...keys: readonly JWK[]): void;
  /** Answers in this way from now on. */
  answerWith(answer: (response: ServerResponse) => void): void;
  /** Resets every connection from now on. */
  goDown(): void;
  close(): Promise<void>;
}

/** Starts one that is down. */
export async function startKeyServer(): Promise<KeyServer> {
  let asked = 0;
  const reset = (response: ServerResponse): void => {
    response.socket?.resetAndDestroy();
  };
  let answer = reset;
  const server = createServer((_request, response) => {
    asked++;
    // What one call finds must not depend on a connection of the one before.
    response.setHeader("connection", "close");
    answer(response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/keys.json`),
    get asked() {
      return asked;
    },
    publish: (...keys) => {
      answer = (response) => void response.end(JSON.stringify({ keys }));
    },
    answerWith: (next) => {
      answer = next;
    },
    goDown: () => {
      answer = reset;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
