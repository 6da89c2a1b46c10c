/** Installs the programs of `npm run test:openapi`: the validators, and schemathesis where this machine has Python. */
import { installTools } from "../test/openapi/support/tools.ts";

await installTools();
