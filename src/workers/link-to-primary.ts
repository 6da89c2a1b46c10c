/** A worker's end of the channel to the primary. */
import type { ToPrimary, ToWorker } from "./messages.ts";

type Of<Type extends ToWorker["type"]> = Extract<ToWorker, { type: Type }>;

export interface PrimaryLink {
  /** Resolves when the message has been passed to the system, or cannot be. */
  send(message: ToPrimary): Promise<void>;
  /** Calls the listener for each message of this type. Each type has one listener. */
  on<Type extends ToWorker["type"]>(type: Type, listener: (message: Of<Type>) => void): void;
}

/** Opens the channel. A message without a listener is dropped, so the first ones are to be added in the same turn. */
export function linkToPrimary(): PrimaryLink {
  const listeners = new Map<ToWorker["type"], (message: never) => void>();
  process.on("message", (message: ToWorker) => listeners.get(message.type)?.(message as never));
  return {
    send: (message) =>
      new Promise((resolve) => {
        process.send?.(message, undefined, undefined, () => resolve());
      }),
    on: (type, listener) => void listeners.set(type, listener),
  };
}
