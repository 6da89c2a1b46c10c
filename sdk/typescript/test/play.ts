/** Plays all scenarios in Node.js, by Connect and by gRPC-Web. */
import { appendFileSync } from "node:fs";
import { connect, grpcWeb } from "@frontrow/client";
import { playAll, type Result } from "./player.ts";
import { scenarios } from "./scenarios.ts";

const { FRONTROW_STAGE: stage, FRONTROW_RESULTS: resultsFile } = process.env;
if (!stage) throw new Error("FRONTROW_STAGE is not set: run `npm run test:sdks`, or sdk/README.md's command");

function report(result: Result): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
  if (resultsFile) appendFileSync(resultsFile, `${JSON.stringify(result)}\n`);
  if (result.outcome === "failed") process.exitCode = 1;
}

await playAll("TypeScript", connect, stage, scenarios, report);
await playAll("TypeScript gRPC-Web", grpcWeb, stage, scenarios, report);
