/** Installs the programs of `npm run test:deploy`, where this machine has what they need. */
import { canInstallTools, installTools } from "../test/deploy/support/tools.ts";

if (canInstallTools()) await installTools();
