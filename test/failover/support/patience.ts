/** The options of `vi.waitFor` for the next wait, which ends at the latest when the limit of all has passed. */
export type Patience = () => { readonly timeout: number; readonly interval: number };

/** Starts a limit for several waits. */
export function startPatience(limitMs: number): Patience {
  const end = performance.now() + limitMs;
  return () => ({ timeout: Math.max(1, end - performance.now()), interval: 10 });
}
