/** Describes a name that no setting has, for a message: with the known name that is probably meant, if one is close. */
export function unknownName(name: string, knownNames: readonly string[], consequence = ""): string {
  const completions = knownNames.filter((known) => name.length >= 5 && known.startsWith(name));
  // Short names are all close to each other, so only a longer one may differ in two places.
  const allowedEdits = Math.min(2, Math.floor(name.length / 5));
  const [closest] = knownNames
    .map((known) => ({ known, edits: editDistance(name, known) }))
    .filter(({ edits }) => edits <= allowedEdits)
    .sort((left, right) => left.edits - right.edits);
  const meant = completions.length === 1 ? completions[0] : closest?.known;
  // After a colon or a blank a secret may follow.
  const printable = name.replace(/[^\w.-].*$/s, "...");
  return `${printable} is unknown${consequence}${meant === undefined ? "" : `; did you mean ${meant}?`}`;
}

/** The number of insertions, deletions and replacements that turn one word into the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  let costs = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [row, letter] of [...from].entries()) {
    const above = costs;
    costs = [row + 1];
    for (let column = 1; column <= to.length; column++) {
      const [diagonal = 0, up = 0, left = 0] = [above[column - 1], above[column], costs[column - 1]];
      costs.push(Math.min(up + 1, left + 1, diagonal + (letter === to[column - 1] ? 0 : 1)));
    }
  }
  return costs[to.length] ?? 0;
}
