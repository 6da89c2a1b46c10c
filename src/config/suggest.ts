/** The known name that was probably meant, as the end of an error message; empty if none is close. */
export function suggestion(unknown: string, knownNames: readonly string[]): string {
  const completions = knownNames.filter((name) => unknown.length >= 5 && name.startsWith(unknown));
  // Short names are all close to each other, so only a longer one may be wrong in two places.
  const allowedEdits = Math.min(2, Math.floor(unknown.length / 5));
  const closest = knownNames
    .map((name) => ({ name, edits: countEdits(unknown, name) }))
    .filter(({ edits }) => edits <= allowedEdits)
    .sort((left, right) => left.edits - right.edits)[0];
  const meant = completions.length === 1 ? completions[0] : closest?.name;
  return meant === undefined ? "" : `; did you mean ${meant}?`;
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one word into the other. */
function countEdits(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current.push(
        Math.min(
          at(last, column) + 1,
          at(current, column - 1) + 1,
          at(last, column - 1) + (same ? 0 : 1),
          swapped ? at(beforeLast, column - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    [beforeLast, last] = [last, current];
  }
  return at(last, to.length);
}

function at(costs: readonly number[], index: number): number {
  return costs[index] ?? Number.POSITIVE_INFINITY;
}
