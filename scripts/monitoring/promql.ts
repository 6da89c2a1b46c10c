/** Finds the time series that an expression of PromQL reads. Its syntax is promtool's to check. */

/** A metric, with the conditions on its labels. */
export interface Selector {
  readonly metric: string;
  readonly matchers: readonly Matcher[];
}

interface Matcher {
  readonly label: string;
  readonly operator: string;
  readonly value: string;
}

/** Words after which a list of labels follows in parentheses, if any. */
const labelLists = new Set(["by", "without", "on", "ignoring", "group_left", "group_right"]);
const keywords = new Set(["and", "or", "unless", "bool", "offset", "inf", "nan"]);
const token = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[A-Za-z_:][\w:]*|\d[\w.]*|[=!]~|!=|\S/g;
const isName = (text: string) => /^[A-Za-z_:]/.test(text);

/** The selectors of an expression, in their order. Throws an Error for one without the name of a metric. */
export function selectorsOf(expression: string): Selector[] {
  const tokens: readonly string[] = expression.match(token) ?? [];
  const selectors: Selector[] = [];
  /** The position after the bracket that closes the list at a position; the end if none does. */
  const skip = (from: number, close: string) => {
    const closing = tokens.indexOf(close, from);
    return closing < 0 ? tokens.length : closing + 1;
  };
  for (let at = 0; at < tokens.length; ) {
    const text = tokens[at] ?? "";
    const next = tokens[at + 1] ?? "";
    if (text === "{") throw new Error(`a selector has no name of a metric: ${expression}`);
    if (text === "[") at = skip(at, "]");
    else if (labelLists.has(text)) at = next === "(" ? skip(at, ")") : at + 1;
    else if (!isName(text) || keywords.has(text.toLowerCase()) || next === "(" || labelLists.has(next)) at++;
    else {
      const end = next === "{" ? skip(at, "}") : at + 1;
      selectors.push({ metric: text, matchers: matchersOf(tokens.slice(at + 2, Math.max(at + 2, end - 1))) });
      at = end;
    }
  }
  return selectors;
}

/** The tokens between the braces: label, operator, value, and a comma. */
function matchersOf(tokens: readonly string[]): Matcher[] {
  const starts = tokens.keys().filter((index) => index % 4 === 0);
  return starts
    .map((index) => {
      const [label = "", operator = "", value = ""] = tokens.slice(index, index + 3);
      return { label, operator, value: value.slice(1, -1) };
    })
    .toArray();
}
