import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type EmbeddedPostgres, type EmbeddedPostgresOptions, startEmbeddedPostgres } from "./start.ts";

/** Starts a server on a new data folder in the system's temporary folder. `stop()` also removes the data folder. */
export async function startTemporaryPostgres(
  options: Omit<EmbeddedPostgresOptions, "dataDir">,
): Promise<EmbeddedPostgres> {
  const dataDir = await mkdtemp(path.join(tmpdir(), `${options.name}-postgres-`));
  const remove = (folder: string) => rm(folder, { recursive: true, force: true });
  try {
    // For root the server runs as another user, which has to enter the folder.
    await chmod(dataDir, 0o755);
    const postgres = await startEmbeddedPostgres({ ...options, dataDir });
    const stop = async () => {
      await postgres.stop();
      // For root the data may be stored in another folder.
      await Promise.all([dataDir, postgres.dataDir].map(remove));
    };
    return { ...postgres, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await remove(dataDir);
    throw error;
  }
}
