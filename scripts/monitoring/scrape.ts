import { createDataFolder } from "../../test/support/database/data-folder.ts";
import { openProgram } from "../../test/support/process/program.ts";
import { type ExportedSeries, parseMetrics } from "./exported.ts";

/** What a service of some workers exports that has just started, with the embedded database, and has answered one call. */
export async function exportedSeries(workers: number): Promise<ExportedSeries> {
  const data = await createDataFolder();
  try {
    await using service = await openProgram({
      ...{ APP_HOST: "127.0.0.1", APP_REST_PORT: "0", APP_GRPC_PORT: "0", APP_METRICS_PORT: "0" },
      ...{ APP_DATA_DIR: data.path, APP_DEMO_DATA: "false", APP_WORKERS: String(workers) },
    });
    const { metricsPort } = JSON.parse(await service.line('"restPort"'));
    await read(`${service.baseUrl}/api/v1/concerts`);
    const text = await read(`http://127.0.0.1:${metricsPort}/metrics`);
    await service.stop();
    return parseMetrics(text);
  } finally {
    await data.remove();
  }
}

async function read(url: string): Promise<string> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} was answered ${response.status}`);
  return await response.text();
}
