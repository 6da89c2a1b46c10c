/** Finds the route of a request among path templates, and reads the values of its variables from the path. */
import type { PathTemplate } from "./path-template.ts";

interface Route {
  /** In capitals, or `*` for any. */
  readonly httpMethod: string;
  readonly template: PathTemplate;
}

export type RouteMatch<T extends Route> =
  /** `variables` are the values of the template's variables, in their order. */
  | { readonly kind: "found"; readonly route: T; readonly variables: readonly string[] }
  | { readonly kind: "wrong_method"; readonly allowedMethods: readonly string[] }
  | { readonly kind: "not_found" };

export interface Router<T extends Route> {
  /** `path` starts with a slash and has no query. Throws a URIError if it is not percent-encoded UTF-8. */
  find(httpMethod: string, path: string): RouteMatch<T>;
}

/** Throws if two routes cannot be told apart: the same method and the same template, whatever its variables are called. */
export function createRouter<T extends Route>(routes: readonly T[]): Router<T> {
  const sorted = routes.toSorted((left, right) => (rankOf(left) < rankOf(right) ? -1 : 1));
  refuseTwins(sorted);
  const byVerb = Map.groupBy(sorted, ({ template }) => template.verb);
  return {
    find(httpMethod, path) {
      const rawSegments = path.slice(1).split("/");
      const last = rawSegments.at(-1) ?? "";
      const colon = last.lastIndexOf(":");
      const verb = colon < 0 ? "" : decodeURIComponent(last.slice(colon + 1));
      const withVerb = byVerb.get(verb);
      if (verb !== "" && withVerb !== undefined) {
        const match = search(withVerb, httpMethod, rawSegments.with(-1, last.slice(0, colon)));
        if (match.kind !== "not_found") return match;
      }
      // Not a verb that this path takes: then the colon belongs to the segment.
      return search(byVerb.get("") ?? [], httpMethod, rawSegments);
    },
  };
}

const segmentRanks = { literal: "0", one: "1", rest: "2" };

/** Sorts the more specific first: a literal, then `*`, then `**`. Of one template, HEAD is before GET, and any method last. */
function rankOf({ template, httpMethod }: Route): string {
  const path = template.segments.map(({ kind }) => segmentRanks[kind]).join("");
  return `${path} ${httpMethod === "HEAD" ? 0 : httpMethod === "*" ? 2 : 1}`;
}

function refuseTwins(routes: readonly Route[]): void {
  const sources = new Map<string, string>();
  for (const { httpMethod, template } of routes) {
    const { segments, verb, source } = template;
    const key = JSON.stringify([httpMethod, verb, ...segments]);
    const other = sources.get(key);
    if (other !== undefined) throw new Error(`${httpMethod} ${source} cannot be told from ${httpMethod} ${other}`);
    sources.set(key, source);
  }
}

/** The first of these routes that the path fits and that takes the method. The segments are still percent-encoded. */
function search<T extends Route>(
  routes: readonly T[],
  httpMethod: string,
  rawSegments: readonly string[],
): RouteMatch<T> {
  // Most paths are plain.
  const segments = rawSegments.some((segment) => segment.includes("%"))
    ? rawSegments.map(decodeURIComponent)
    : rawSegments;
  const allowed = new Set<string>();
  for (const route of routes) {
    if (!fits(segments, route.template)) continue;
    // HEAD is GET without the body, unless a rule says otherwise.
    const isRead = route.httpMethod === "GET";
    if (route.httpMethod === httpMethod || route.httpMethod === "*" || (isRead && httpMethod === "HEAD")) {
      return { kind: "found", route, variables: captureVariables(route.template, rawSegments) };
    }
    allowed.add(route.httpMethod);
    if (isRead) allowed.add("HEAD");
  }
  return allowed.size === 0 ? { kind: "not_found" } : { kind: "wrong_method", allowedMethods: [...allowed].sort() };
}

function fits(segments: readonly string[], { segments: wanted }: PathTemplate): boolean {
  for (let index = 0; index < wanted.length; index++) {
    const want = wanted[index];
    if (want?.kind === "rest") return true;
    const segment = segments[index];
    if (segment === undefined || (want?.kind === "one" ? segment === "" : want?.text !== segment)) return false;
  }
  return segments.length === wanted.length;
}

/**
 * Reads the values of a template's variables, in their order, from the segments of a path that matches it (without the
 * verb, still percent-encoded). Throws a URIError for broken encoding.
 */
export function captureVariables(template: PathTemplate, rawSegments: readonly string[]): string[] {
  return template.variables.map(({ start, end, multiSegment }) =>
    multiSegment
      ? rawSegments.slice(start, end).map(decodeAllButSlashes).join("/")
      : decodeURIComponent(rawSegments[start] ?? ""),
  );
}

/** In a value of several segments an encoded slash would become a separator, so it stays as it was sent. */
function decodeAllButSlashes(segment: string): string {
  return decodeURIComponent(segment.replace(/%(?=2f)/gi, "%25"));
}
