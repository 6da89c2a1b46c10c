/** The scenarios as a script for a page: it plays all of them by the transport that a page uses. */
import { connect } from "@frontrow/client";
import { playAll, type Result } from "./player.ts";
import { scenarios } from "./scenarios.ts";

/** Plays all scenarios, and returns the results. */
async function playInPage(language: string, stage: string): Promise<Result[]> {
  const results: Result[] = [];
  await playAll(language, connect, stage, scenarios, (result) => results.push(result));
  return results;
}

Object.assign(globalThis, { playInPage });
