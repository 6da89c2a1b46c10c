import { rolldown } from "rolldown";

/** Bundles a script for browsers, without what it does not use. */
export async function bundle(input: string): Promise<string> {
  const build = await rolldown({ input, platform: "browser", logLevel: "warn" });
  const { output } = await build.generate({ format: "esm", minify: true });
  await build.close();
  return output[0].code;
}
