import { expect, test } from "vitest";
import { createFairShare } from "./fair-share.ts";

const refused = { failure: { reason: "RATE_LIMITED", retryDelayMs: 1_000 } };

/** Work that is done when the test says so. */
function openWork() {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  return { run: () => promise, resolve, reject };
}

test("gives what the work gives", async () => {
  await expect(createFairShare(1).hold("eve", async () => "done")).resolves.toBe("done");
});

test("refuses a caller with too much unfinished, before the work begins", async () => {
  const share = createFairShare(2);
  const works = [openWork(), openWork()];
  const held = works.map((work) => share.hold("eve", work.run));
  let hasBegun = false;
  const surplus = share.hold("eve", async () => {
    hasBegun = true;
  });

  await expect(surplus).rejects.toMatchObject(refused);
  await expect(surplus).rejects.toMatchObject({ failure: { problem: expect.stringContaining("at most 2 ") } });
  expect(hasBegun).toBe(false);
  for (const work of works) work.resolve("done");
  await Promise.all(held);
});

test("counts each caller by itself", async () => {
  const share = createFairShare(1);
  const work = openWork();
  const held = share.hold("eve", work.run);

  await expect(share.hold("bob", async () => "served")).resolves.toBe("served");
  work.resolve("done");
  await held;
});

test.each([
  ["succeeds", (work: ReturnType<typeof openWork>) => work.resolve("done")],
  ["fails", (work: ReturnType<typeof openWork>) => work.reject(new Error("it went wrong"))],
])("makes room as soon as work %s", async (_how, finish) => {
  const share = createFairShare(2);
  const [first, second] = [openWork(), openWork()];
  const held = [share.hold("eve", first.run), share.hold("eve", second.run)];
  finish(first);
  await Promise.allSettled([held[0]]);

  await expect(share.hold("eve", async () => "served")).resolves.toBe("served");
  second.resolve("done");
  await held[1];
});

test("makes room after work that fails before it returns a promise", async () => {
  const share = createFairShare(1);
  const broken = () => {
    throw new Error("it went wrong at once");
  };
  for (let time = 0; time < 3; time++) await expect(share.hold("eve", broken)).rejects.toThrow("at once");
});

test("a refusal takes up no room, however many there are", async () => {
  const share = createFairShare(1);
  const work = openWork();
  const held = share.hold("eve", work.run);
  const refusals = await Promise.allSettled(Array.from({ length: 100 }, () => share.hold("eve", async () => "served")));
  expect(refusals.every(({ status }) => status === "rejected")).toBe(true);
  work.resolve("done");
  await held;

  await expect(share.hold("eve", async () => "served")).resolves.toBe("served");
});
