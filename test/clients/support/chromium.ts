/** A Chromium without a window, as the machine's packages install it. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const names = ["chromium", "chromium-browser", "google-chrome-stable"];

/** The path of the program. If there is none, prints what is skipped. */
export function findChromium({ skipped }: { readonly skipped?: string } = {}): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const found = folders.flatMap((folder) => names.map((name) => join(folder, name))).find(isExecutable);
  if (!found && skipped !== undefined)
    process.stderr.write(`\ntests: SKIPPED: ${skipped}: ${names[0]} is not installed\n\n`);
  return found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Starts it; the caller closes it. */
export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath });
}
