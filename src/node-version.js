/**
 * Ends the process with a sentence when Node is too old: `node --import ./src/node-version.js src/main.ts`. Plain JavaScript,
 * because an older Node fails at the first TypeScript file with ERR_UNKNOWN_FILE_EXTENSION.
 */

/** The first with `Temporal`, and with type stripping and `await using` without a flag. */
const oldestMajor = 26;

if (Number.parseInt(process.versions.node, 10) < oldestMajor) {
  process.stderr.write(
    `frontrow: Node.js ${oldestMajor} or newer is required, and this is ${process.versions.node}. ` +
      'Install it, or run "npm ci" without --omit=dev and --ignore-scripts, which installs it for npm\'s commands.\n',
  );
  process.exit(1);
}
