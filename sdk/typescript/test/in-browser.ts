/** The scenarios as a script for a page: it plays all of them by each transport that a page can use. */
import { connect, grpcWeb } from "@frontrow/client";
import { playAll, type Result } from "./player.ts";
import { scenarios } from "./scenarios.ts";

/** Plays all scenarios by both transports, and returns the results. */
async function playInPage(stage: string): Promise<Result[]> {
  const results: Result[] = [];
  const report = (result: Result) => results.push(result);
  await playAll("TypeScript in Chromium", connect, stage, scenarios, report);
  await playAll("gRPC-Web in Chromium", grpcWeb, stage, scenarios, report);
  return results;
}

Object.assign(globalThis, { playInPage });
