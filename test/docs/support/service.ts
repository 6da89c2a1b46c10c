/** A service as a reader starts it, with the demo concerts of its embedded database. */
import { createDataFolder } from "../../support/database/data-folder.ts";
import { type OpenProgram, openProgram } from "../../support/process/program.ts";

export interface ReadersService extends AsyncDisposable {
  /** What the service writes to standard output. */
  readonly lines: readonly string[];
  /** The settings that programs beside it need, such as the folder with the key of the mode `dev`. */
  readonly env: Readonly<Record<string, string>>;
  /** A snippet with the addresses of this service in place of those that the documents have. */
  addressed(text: string): string;
}

/** Starts it on free ports of loopback. */
export async function openReadersService(settings: Readonly<Record<string, string>> = {}): Promise<ReadersService> {
  await using stack = new AsyncDisposableStack();
  const folder = await createDataFolder();
  stack.defer(() => folder.remove());
  const env = { APP_DATA_DIR: folder.path, ...settings };
  const ports = { APP_HOST: "127.0.0.1", APP_REST_PORT: "0", APP_GRPC_PORT: "0" };
  const program: OpenProgram = await openProgram({ ...ports, ...env }, [], { logLevel: "debug" });
  stack.defer(async () => void (await program.stop()));
  const grpcPort = new URL(program.grpcUrl).port;
  const owned = stack.move();
  return {
    lines: program.lines,
    env,
    addressed: (text) =>
      text
        .replaceAll("localhost:8080", `localhost:${program.restPort}`)
        .replaceAll("localhost:50051", `localhost:${grpcPort}`),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
