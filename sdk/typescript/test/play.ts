/**
 * Plays all scenarios by every client of the package: in Node.js by Connect, gRPC-Web and gRPC, and in Chromium if it is
 * installed.
 */
import { appendFileSync } from "node:fs";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { type ClientOptions, connect, grpcWeb, type TransportOptions } from "@frontrow/client";
import { findChromium } from "../../../test/clients/support/chromium.ts";
import { playInChromium } from "./chromium.ts";
import { playAll, type Result } from "./player.ts";
import { scenarios } from "./scenarios.ts";

const { FRONTROW_STAGE: stage, FRONTROW_RESULTS: resultsFile } = process.env;
if (!stage) throw new Error("FRONTROW_STAGE is not set: run `npm run test:sdks`, or sdk/README.md's command");

function report(result: Result): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
  if (resultsFile) appendFileSync(resultsFile, `${JSON.stringify(result)}\n`);
  if (result.outcome === "failed") process.exitCode = 1;
}

const transports: Readonly<Record<string, ClientOptions["transport"]>> = {
  TypeScript: connect,
  "TypeScript gRPC-Web": grpcWeb,
  "TypeScript gRPC": (options: TransportOptions) => createGrpcTransport(options),
};

for (const [language, transport] of Object.entries(transports)) {
  await playAll(language, transport, stage, scenarios, report);
}
const chromium = findChromium();
if (chromium) for (const result of await playInChromium(chromium, stage)) report(result);
