import type { SdkName } from "./generators.ts";
import type { SdkPlayer } from "./player.ts";
import { goPlayer } from "./player-go.ts";
import { javaPlayer } from "./player-java.ts";
import { typescriptPlayer } from "./player-typescript.ts";

/** Every SDK with generated code must be tested. The one in Python has generated code only. */
export type TestedSdk = Exclude<SdkName, "python">;

const players: Readonly<Record<TestedSdk, SdkPlayer>> = {
  typescript: typescriptPlayer,
  go: goPlayer,
  java: javaPlayer,
};

/** The SDKs that `npm run test:sdks` tests. */
export const sdkPlayers: readonly SdkPlayer[] = Object.values(players);
