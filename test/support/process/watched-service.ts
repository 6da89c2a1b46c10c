/** The service in a separate process, whose connections and memory a test can count. */
import { join } from "node:path";
import { createTestDatabase } from "../database/database.ts";
import { type Settings, testEnvironment } from "../service/service.ts";
import { openProgram } from "./program.ts";

/** What a process holds after a garbage collection. */
export interface Holdings {
  /** Including those to the database. */
  readonly sockets: number;
  readonly usedBytes: number;
  /** The most memory that the process has had so far. */
  readonly peakBytes: number;
}

export interface WatchedService {
  readonly baseUrl: string;
  readonly grpcUrl: string;
  holdings(): Promise<Holdings>;
  /** Drains the service. Fails unless it ends with 0. */
  close(): Promise<void>;
}

/** Starts the service on a new database. */
export async function startWatchedService(settings: Settings): Promise<WatchedService> {
  const database = await createTestDatabase();
  const program = await openProgram(testEnvironment(database.url, settings), [], {
    logLevel: "fatal",
    script: join(import.meta.dirname, "watched-service-child.ts"),
    nodeFlags: ["--expose-gc"],
  });
  return {
    baseUrl: program.baseUrl,
    grpcUrl: program.grpcUrl,
    async holdings() {
      const line = program.nextLine('"sockets"');
      program.signal("SIGUSR2");
      return JSON.parse(await line);
    },
    async close() {
      const code = await program.stop();
      await database.drop();
      if (code !== 0) throw new Error(`the service ended with ${code}:\n${program.output()}`);
    },
  };
}
