/** Builds what `npm run test:clients` and `npm run test:sdks` need in other languages, as far as this machine has the tools. */
import { buildGrpcurl, go, isInstalled, java, python } from "../test/clients/support/toolchains.ts";
import { sdkPlayers } from "./sdks/players.ts";
import { missingCommand } from "./toolchains.ts";

if (isInstalled(go)) await buildGrpcurl();
for (const toolchain of [go, python, java]) if (isInstalled(toolchain)) await toolchain.build();
for (const { toolchain, fetch } of sdkPlayers) if (!missingCommand(toolchain)) await fetch?.();
