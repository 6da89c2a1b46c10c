/** Path templates as google/api/http.proto writes them: `/v1/{name=shelves/*}/books/**:verb`. */

type TemplateSegment =
  | { readonly kind: "literal"; readonly text: string }
  /** `*`: one segment that is not empty. */
  | { readonly kind: "one" }
  /** `**`: what is left of the path, nothing included. Always the last. */
  | { readonly kind: "rest" };

interface TemplateVariable {
  /** The request field that takes the value, such as `["shelf", "name"]`. */
  readonly fieldPath: readonly string[];
  /** The segments that the variable spans; `end` is exclusive and not known for one that ends in `**`. */
  readonly start: number;
  readonly end: number | undefined;
  /** Spans what may be several segments, so that an encoded slash in the value has to stay encoded. */
  readonly multiSegment: boolean;
}

export interface PathTemplate {
  readonly source: string;
  readonly segments: readonly TemplateSegment[];
  readonly variables: readonly TemplateVariable[];
  /** Without its colon; empty if there is none. */
  readonly verb: string;
}

const verbPattern = /:([^/:{}]+)$/;
const variablePattern = /^\{([^{}=]+)(?:=([^{}=]+))?\}$/;
const fieldPathPattern = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/;
const literalPattern = /^(?:[\w\-.~!$&'()+,;=:@]|%[0-9A-Fa-f]{2})+$/;
const slashOutsideBraces = /\/(?![^{]*\})/;

/** Parses a template. Throws an Error that says what is wrong with a bad one. */
export function parsePathTemplate(source: string): PathTemplate {
  const fail = (why: string) => new Error(`path template "${source}": ${why}`);
  if (!source.startsWith("/")) throw fail("must start with a slash");
  const verb = verbPattern.exec(source)?.[1] ?? "";
  if (verb !== "" && !literalPattern.test(verb)) throw fail(`"${verb}" is not a verb`);
  const path = source.slice(1, verb === "" ? undefined : -verb.length - 1);

  const segments: TemplateSegment[] = [];
  const variables: TemplateVariable[] = [];
  const addSegment = (text: string) => {
    if (segments.at(-1)?.kind === "rest") throw fail("** must be the last segment");
    if (text === "*") segments.push({ kind: "one" });
    else if (text === "**") segments.push({ kind: "rest" });
    else if (!literalPattern.test(text)) throw fail(`"${text}" is not a segment`);
    else segments.push({ kind: "literal", text: decode(text, fail) });
  };
  for (const part of path.split(slashOutsideBraces)) {
    if (!part.startsWith("{")) {
      addSegment(part);
      continue;
    }
    const [, fieldPath = "", pattern = "*"] = variablePattern.exec(part) ?? [];
    if (!fieldPathPattern.test(fieldPath)) throw fail(`"${part}" is not a variable`);
    if (variables.some((other) => other.fieldPath.join(".") === fieldPath)) throw fail(`has two {${fieldPath}}`);
    const start = segments.length;
    for (const text of pattern.split("/")) addSegment(text);
    const endsInRest = segments.at(-1)?.kind === "rest";
    const end = endsInRest ? undefined : segments.length;
    const multiSegment = endsInRest || segments.length - start > 1;
    variables.push({ fieldPath: fieldPath.split("."), start, end, multiSegment });
  }
  return { source, segments, variables, verb: decode(verb, fail) };
}

function decode(text: string, fail: (why: string) => Error): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw fail(`"${text}" is not percent-encoded UTF-8`);
  }
}

/**
 * The first segment if all templates begin with the same literal and go on after it, such as `/api`; else empty. Further
 * segments do not count, so that versions of an API share their prefix.
 */
export function commonPrefix(templates: readonly PathTemplate[]): string {
  const prefixes = new Set(templates.map(({ source }) => /^(\/[\w.~-]+)\//.exec(source)?.[1] ?? ""));
  const [prefix = "", ...others] = prefixes;
  return others.length === 0 ? prefix : "";
}
