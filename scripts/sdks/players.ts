import type { SdkPlayer } from "./player.ts";
import { goPlayer } from "./player-go.ts";
import { javaPlayer } from "./player-java.ts";
import { pythonPlayer } from "./player-python.ts";
import { typescriptPlayer } from "./player-typescript.ts";

/** The SDKs that `npm run test:sdks` tests. */
export const sdkPlayers: readonly SdkPlayer[] = [typescriptPlayer, pythonPlayer, goPlayer, javaPlayer];
