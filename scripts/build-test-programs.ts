/**
 * Builds the clients in other languages that `npm run test:clients` needs, and installs the programs of `npm run test:deploy`,
 * where this machine has the tools.
 */
import { buildGrpcurl, go, isInstalled, java, python } from "../test/clients/support/toolchains.ts";
import { canInstallTools, installTools } from "../test/deploy/support/tools.ts";

if (isInstalled(go)) await buildGrpcurl();
for (const toolchain of [go, python, java]) if (isInstalled(toolchain)) await toolchain.build();
if (canInstallTools()) await installTools();
