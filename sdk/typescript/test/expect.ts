/** The few comparisons that the scenarios need: they run in Node.js and in browsers. */
import { FrontrowError } from "@frontrow/client";

export function equal(found: unknown, expected: unknown, subject: string): void {
  if (found !== expected) throw new Error(`${subject} is ${String(found)}, not ${String(expected)}`);
}

export function check(isGood: boolean, message: string): void {
  if (!isGood) throw new Error(message);
}

/** The error of a call that must fail with one of this class. */
export async function rejected<Expected extends Error>(
  ErrorClass: abstract new (...values: never[]) => Expected,
  promise: Promise<unknown>,
): Promise<Expected> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof ErrorClass) return error;
    throw new Error(`the call failed with another error than ${ErrorClass.name}: ${describe(error)}`, { cause: error });
  }
  throw new Error(`the call succeeded, and must fail with ${ErrorClass.name}`);
}

/** What `work` returns, and how many seconds it took. */
export async function timed<Value>(work: Promise<Value>): Promise<{ readonly value: Value; readonly seconds: number }> {
  const started = performance.now();
  const value = await work;
  return { value, seconds: (performance.now() - started) / 1_000 };
}

/** Repeats a read until its value is good. */
export async function until<Value>(read: () => Promise<Value>, isGood: (value: Value) => boolean): Promise<Value> {
  const end = performance.now() + 20_000;
  for (;;) {
    const value = await read();
    if (isGood(value)) return value;
    if (performance.now() > end) throw new Error("the awaited value did not come within 20 s");
  }
}

export function describe(error: unknown): string {
  if (error instanceof FrontrowError) return `${error.name} ${error.code} ${error.reason}: ${error.message}`;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
