/** The limits of the whole machine, which the primary counts for its workers. */
import { ignoreEvents, type Publish } from "../domain/publish.ts";
import { createRateLimits } from "../limits/rate-limit.ts";
import type { TransportEvents } from "../transport/events.ts";
import { createConnectionLimit } from "../transport/listener/connection-limit.ts";
import type { LimitMessage } from "./messages.ts";
import type { WorkerLink } from "./worker-process.ts";

export interface MachineLimits {
  received(worker: WorkerLink, message: LimitMessage): void;
  /** Gives back what a worker that has ended held. */
  left(worker: WorkerLink): void;
}

interface MachineLimitSettings extends Omit<Parameters<typeof createConnectionLimit>[0], "publish"> {
  readonly rateLimits: Parameters<typeof createRateLimits>[0];
}

/** Creates the limits. */
export function createMachineLimits(config: MachineLimitSettings, publish: Publish<TransportEvents>): MachineLimits {
  const connections = createConnectionLimit({ ...config, publish });
  // Without Redis, which workers share without the primary. A worker publishes what it rejects.
  const rates = createRateLimits(config.rateLimits, undefined, ignoreEvents);
  /** What ends the count of each open connection, by the id that its worker gave it. */
  const openByWorker = new Map<number, Map<number, () => void>>();

  return {
    received(worker, message) {
      const { id } = message;
      const open = openByWorker.getOrInsertComputed(worker.id, () => new Map());
      switch (message.type) {
        case "count": {
          const counts = message.calls.map(({ lane, keys, cost }) => rates.count(lane, keys, cost));
          void Promise.all(counts).then((allowances) =>
            worker.send({ type: "counted", id, allowances: allowances.map((allowance) => allowance ?? null) }),
          );
          break;
        }
        case "enter": {
          const leave = connections.enter(message.address);
          if (leave) open.set(id, leave);
          worker.send({ type: "entered", id, isAllowed: leave !== undefined });
          break;
        }
        case "leave":
          open.get(id)?.();
          open.delete(id);
      }
    },
    left(worker) {
      for (const leave of openByWorker.get(worker.id)?.values() ?? []) leave();
      openByWorker.delete(worker.id);
    },
  };
}
