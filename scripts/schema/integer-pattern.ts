/** A regular expression, without anchors, of the decimal numbers from `least` to `most`, without leading zeros. */
export function integerPattern(least: number, most: number): string {
  const blocks: string[] = [];
  for (let from = least; from <= most; ) {
    // A block is all numbers with some leading digits, one digit that varies, and any digits after it.
    let size = 1;
    while (from > 0 && from % (size * 10) === 0 && from + size * 10 - 1 <= most) size *= 10;
    const digit = Math.floor(from / size) % 10;
    const others = Math.min(9 - digit, Math.floor((most - from + 1) / size) - 1);
    const leading = String(from).slice(0, -String(size).length);
    const varying = others === 0 ? String(digit) : `[${digit}-${digit + others}]`;
    const rest = size === 1 ? "" : `[0-9]{${String(size).length - 1}}`;
    blocks.push(leading + varying + rest);
    from += (others + 1) * size;
  }
  return blocks.length === 1 ? String(blocks[0]) : `(?:${blocks.join("|")})`;
}
