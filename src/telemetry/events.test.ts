import { expect, it } from "vitest";
import { createEventHub } from "./events.ts";

interface Events {
  readonly sold: { readonly tickets: number };
  readonly closed: { readonly reason: string };
}

it("delivers an event to the listeners of its name, in order, until they are disposed of", () => {
  const hub = createEventHub<Events>((error) => expect.unreachable(String(error)));
  const seen: string[] = [];
  const first = hub.subscribe("sold", ({ tickets }) => seen.push(`first ${tickets}`));
  hub.subscribe("sold", ({ tickets }) => seen.push(`second ${tickets}`));
  hub.subscribe("closed", ({ reason }) => seen.push(reason));
  hub.publish("sold", { tickets: 2 });
  first[Symbol.dispose]();
  hub.publish("sold", { tickets: 3 });
  expect(seen).toEqual(["first 2", "second 2", "second 3"]);
});

it("reports a listener that throws, and calls the others", () => {
  const errors: unknown[] = [];
  const seen: number[] = [];
  const hub = createEventHub<Events>((error) => errors.push(error));
  hub.subscribe("sold", () => {
    throw new Error("broken");
  });
  hub.subscribe("sold", ({ tickets }) => seen.push(tickets));
  hub.publish("sold", { tickets: 1 });
  expect(seen).toEqual([1]);
  expect(errors).toEqual([new Error("broken")]);
});
