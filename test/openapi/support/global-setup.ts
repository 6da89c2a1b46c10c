/** Installs what the tests of the OpenAPI document need, once for all files, and starts the database's server. */
import startServer from "../../support/database/global-setup.ts";
import { installTools } from "./tools.ts";

export default async function setup(...args: Parameters<typeof startServer>) {
  await installTools();
  return await startServer(...args);
}
