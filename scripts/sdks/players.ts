import type { SdkName } from "./generators.ts";
import type { SdkPlayer } from "./player.ts";
import { goPlayer } from "./player-go.ts";
import { javaPlayer } from "./player-java.ts";
import { pythonPlayer } from "./player-python.ts";
import { typescriptPlayer } from "./player-typescript.ts";

/** An SDK without a player does not compile. */
const players: Readonly<Record<SdkName, SdkPlayer>> = {
  typescript: typescriptPlayer,
  python: pythonPlayer,
  go: goPlayer,
  java: javaPlayer,
};

/** The SDKs that `npm run test:sdks` tests. */
export const sdkPlayers: readonly SdkPlayer[] = Object.values(players);
