/**
 * Ends the process with a sentence when Node is too old: `node --import ./src/node-version.js src/main.ts`. Plain JavaScript,
 * since an older Node fails at the first TypeScript file with ERR_UNKNOWN_FILE_EXTENSION.
 */

/** The first with `Temporal` that strips types without a flag. */
const oldestMajor = 26;

if (Number.parseInt(process.versions.node, 10) < oldestMajor) {
  process.stderr.write(
    `frontrow: this needs Node.js ${oldestMajor} or newer, and this is ${process.versions.node}. ` +
      'Install one, or run "npm ci" without --omit=dev, which brings one for npm\'s commands.\n',
  );
  process.exit(1);
}
