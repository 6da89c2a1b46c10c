/** Sends many generated requests to one process of the service, and looks at every answer and at what is left behind. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect } from "vitest";
import { createTestDatabase } from "../database/database.ts";
import { openProgram } from "../process/program.ts";
import { testEnvironment } from "../service/service.ts";
import { type FuzzProtocol, faultOf } from "./answers.ts";
import { hasTimeout, type RawRequest } from "./http.ts";
import { bytesOf, createRawClient } from "./raw-http.ts";
import { connectRequest, restRequest } from "./requests.ts";
import { createShapes, type Shape } from "./shapes.ts";

/** Always the same requests, unless APP_FUZZ_SEED names other ones. */
export const seed = Number(process.env.APP_FUZZ_SEED ?? 20_260_101);

const concurrency = 16;
/** Few requests are enough to see what is wrong. */
const maxFaults = 5;
const maxShown = 3_000;

const generators: Readonly<Record<FuzzProtocol, (shape: Shape) => fc.Arbitrary<RawRequest>>> = {
  REST: restRequest,
  Connect: connectRequest,
};

/** How often each status was answered. */
export type Tally = ReadonlyMap<number, number>;

export interface FuzzTarget {
  /** Sends generated requests to a method and fails if an answer is wrong. */
  fuzz(protocol: FuzzProtocol, name: string, count: number): Promise<Tally>;
  /** Fails unless the process has lived through it all, has logged nothing unforeseen, and has kept its books. */
  expectUnharmed(): Promise<void>;
  close(): Promise<void>;
}

/** Starts the service as a child process, which an unhandled rejection ends. */
export async function startFuzzTarget(): Promise<FuzzTarget> {
  const database = await createTestDatabase();
  const service = await openProgram(
    testEnvironment(database.url, { APP_MAX_BODY_BYTES: "16384", APP_MAX_HOLDS_PER_USER: "100" }),
  );
  const close = async () => {
    await service.stop("SIGKILL");
    await database.drop();
  };
  const shapes = await createShapes(service.baseUrl).catch(async (error) => {
    await close();
    throw error;
  });
  let impatient = 0;
  const port = Number(new URL(service.baseUrl).port);
  return {
    async fuzz(protocol, name, count) {
      const shape = shapes.get(name);
      if (!shape) throw new Error(`there is no ${name}`);
      const requests = fc.sample(generators[protocol](shape), {
        seed: seedOf(`${name} by ${protocol}`),
        numRuns: count,
      });
      impatient += requests.filter(hasTimeout).length;
      const { tally, faults } = await sendAll(port, protocol, requests);
      expect(faults, `with APP_FUZZ_SEED=${seed}`).toEqual([]);
      return tally;
    },
    async expectUnharmed() {
      const troubles = service.lines.filter(isTrouble);
      expect(troubles.filter((line) => !isLate(line))).toEqual([]);
      expect(troubles.length).toBeLessThanOrEqual(impatient);
      expect(service.isRunning()).toBe(true);
      expect((await fetch(`${service.baseUrl}/readyz`)).status).toBe(200);
      expect((await fetch(`${service.baseUrl}/api/v1/concerts?page_size=1`)).status).toBe(200);
      await database.checkInvariants();
    },
    close,
  };
}

/** Another one for each stream of requests, or methods that look alike would be sent the same. */
function seedOf(stream: string): number {
  return createHash("sha256").update(`${seed} ${stream}`).digest().readInt32LE();
}

/** A line that is not JSON, or logs an error. */
function isTrouble(line: string): boolean {
  return !line.startsWith("{") || JSON.parse(line).level !== "info";
}

/** A call that was not answered in time, as it may be if its client sets the time. */
function isLate(line: string): boolean {
  if (!line.startsWith("{")) return false;
  const { level, msg, reason } = JSON.parse(line);
  return level === "warn" && msg === "call" && ["DEADLINE_EXCEEDED", "OVERLOADED"].includes(reason);
}

async function sendAll(port: number, protocol: FuzzProtocol, requests: readonly RawRequest[]) {
  const tally = new Map<number, number>();
  const faults: object[] = [];
  const left = requests.values();
  const work = async () => {
    const client = createRawClient(port);
    for (const request of left) {
      if (faults.length >= maxFaults) break;
      try {
        const answer = await client.send(request);
        tally.set(answer.status, (tally.get(answer.status) ?? 0) + 1);
        const fault = faultOf(protocol, request, answer);
        if (fault !== undefined) {
          faults.push({
            fault,
            request: readable(bytesOf(request)),
            answer: `${answer.head}\n\n${answer.body}`.slice(0, maxShown),
          });
        }
      } catch (error) {
        faults.push({ fault: String(error), request: readable(bytesOf(request)) });
      }
    }
    client.close();
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return { tally, faults };
}

/** The bytes as the body of a JavaScript string, to be written to a socket as Latin-1. */
function readable(bytes: Buffer): string {
  return JSON.stringify(bytes.toString("latin1")).slice(0, maxShown);
}
