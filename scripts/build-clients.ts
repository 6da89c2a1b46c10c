/** Builds the clients in other languages that `npm run test:clients` needs and that this machine has the tools for. */
import { buildGrpcurl, go, isInstalled, java, python } from "../test/clients/support/toolchains.ts";

if (isInstalled(go)) await buildGrpcurl();
for (const toolchain of [go, python, java]) if (isInstalled(toolchain)) await toolchain.build();
