/**
 * Builds the images and runs compose.yaml with each of its profiles: books by every way, restarts the service and its
 * database, rolls the replicas, stops a primary, and removes everything again. Without an engine or a base image it prints
 * that it is skipped, and succeeds. Services whose images cannot be pulled have stand-ins from Debian's packages.
 * BUILD_NETWORK (such as `host`) is the network of the builds, for machines whose containers cannot reach a registry.
 */
import { findCompose, overall, say } from "./containers/engine.ts";
import { missingBaseImage } from "./containers/images.ts";
import { hasEngine, type Stack, withStack } from "./containers/stack.ts";
import { tryFiles } from "./containers/try-files.ts";
import { tryHighAvailability } from "./containers/try-high-availability.ts";
import { tryImage } from "./containers/try-image.ts";
import { tryObservability } from "./containers/try-observability.ts";
import { tryScale } from "./containers/try-scale.ts";
import { tryService } from "./containers/try-service.ts";

try {
  const composeCommand = await findCompose();
  const reason = await whySkipped(composeCommand);
  if (composeCommand === undefined || reason !== undefined) say(`SKIPPED: ${reason}`);
  else await withStack(composeCommand, tryStack);
} catch (error) {
  const cause = overall.aborted ? overall.reason : error;
  say(`FAILED: ${cause instanceof Error ? cause.message : cause}`);
  process.exitCode = 1;
}

async function whySkipped(composeCommand: readonly string[] | undefined): Promise<string | undefined> {
  if (composeCommand === undefined) return "no Compose is installed";
  if (!(await hasEngine())) return "no container engine is running";
  const image = await missingBaseImage();
  return image && `the image ${image} is not present and cannot be pulled`;
}

async function tryStack(stack: Stack): Promise<void> {
  const { missing } = stack.images;
  if (missing.length > 0)
    say(`NOT RUN, because the image cannot be pulled and Debian has no package: ${missing.join(", ")}`);
  await tryImage(stack);
  await tryFiles(stack);
  await tryService(stack);
  say("starting every profile");
  // Each brings what it depends on.
  const last = ["app", "balancer", "database-ha", "prometheus", "grafana"].filter(
    (service) => !missing.includes(service),
  );
  await stack.compose(["up", "--detach", "--no-build", ...last]);
  await tryScale(stack);
  await tryObservability(stack);
  await tryHighAvailability(stack);
  say("passed");
}
