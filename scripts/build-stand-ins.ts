/**
 * Builds what the trial of the containers has in place of images that cannot be pulled, and keeps it, so that the trial has
 * its time for itself. Without a container engine it prints that it is skipped.
 */
import { say } from "./containers/engine.ts";
import { missingBaseImage, prepareImages } from "./containers/images.ts";
import { hasEngine } from "./containers/stack.ts";

if (!(await hasEngine())) say("SKIPPED: no container engine is running");
else {
  const absent = await missingBaseImage();
  if (absent !== undefined) say(`SKIPPED: the image ${absent} is not present and cannot be pulled`);
  else {
    const { missing } = await prepareImages();
    say(`the images are prepared; without stand-in: ${missing.join(", ") || "none"}`);
  }
}
