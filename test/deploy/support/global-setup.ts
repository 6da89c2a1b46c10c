/** Installs what the tests of the manifests need, once for all files. */
import { canInstallTools, installTools } from "./tools.ts";

export default async function setup(): Promise<void> {
  if (canInstallTools()) await installTools();
}
