/** The service in a process of its own, whose connections and memory a test can count. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createTestDatabase } from "./database.ts";
import { type Settings, testEnvironment } from "./service.ts";

/** What a process holds, its garbage collected. */
export interface Holdings {
  /** Those of the database included. */
  readonly sockets: number;
  readonly usedBytes: number;
  /** The most memory that the process ever had. */
  readonly peakBytes: number;
}

export interface WatchedService {
  readonly baseUrl: string;
  readonly grpcUrl: string;
  holdings(): Promise<Holdings>;
  /** Lets it drain; fails if it does not end well. */
  close(): Promise<void>;
}

/** Starts it on a database of its own. */
export async function startWatchedService(settings: Settings): Promise<WatchedService> {
  const database = await createTestDatabase();
  const environment = testEnvironment(database.url, settings);
  const child = fork(join(import.meta.dirname, "watched-service-child.ts"), [JSON.stringify(environment)], {
    execArgv: ["--expose-gc"],
  });
  const ended = once(child, "exit").then(([code, signal]) => `the service ended with ${code ?? signal}`);
  const nextMessage = async () => {
    const [message] = await Promise.race([once(child, "message"), ended.then((how) => Promise.reject(new Error(how)))]);
    return message;
  };
  const { restPort, grpcPort } = await nextMessage();
  return {
    baseUrl: `http://127.0.0.1:${restPort}`,
    grpcUrl: `http://127.0.0.1:${grpcPort}`,
    holdings() {
      child.send("holdings");
      return nextMessage();
    },
    async close() {
      if (child.connected) child.disconnect();
      const how = await ended;
      await database.drop();
      if (how !== "the service ended with 0") throw new Error(how);
    },
  };
}
