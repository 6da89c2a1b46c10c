import { OperatorError } from "./domain/operator-error.ts";

/** The service cannot listen on a port. */
export class PortError extends OperatorError {
  override readonly name = "PortError";
}

/** The error of a failed `listen` with what to change, or the error itself if there is nothing to say. */
export function portError(error: unknown, port: number, setting: string, hostSetting = "APP_HOST"): unknown {
  switch (error instanceof Error && "code" in error && error.code) {
    case "EADDRINUSE":
      return new PortError(`port ${port} is in use: set another by ${setting}`, { cause: error });
    case "EACCES":
      return new PortError(`port ${port} is not allowed: set another by ${setting}`, { cause: error });
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return new PortError(`the address to listen on is not one of this machine's: set another by ${hostSetting}`, {
        cause: error,
      });
    default:
      return error;
  }
}
