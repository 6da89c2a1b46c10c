/** Finds the route of a request among path templates, and reads the values of its variables from the path. */
import type { PathTemplate } from "./path-template.ts";

export interface Route<T> {
  /** In capitals, or `*` for any. */
  readonly httpMethod: string;
  readonly template: PathTemplate;
  readonly value: T;
}

export type RouteMatch<T> =
  /** `variables` are the values of the template's variables, in their order. */
  | { readonly kind: "found"; readonly route: Route<T>; readonly variables: readonly string[] }
  | { readonly kind: "wrong_method"; readonly allowedMethods: readonly string[] }
  | { readonly kind: "not_found" };

export interface Router<T> {
  /** `path` starts with a slash and has no query. Throws a URIError if it is not percent-encoded UTF-8. */
  find(httpMethod: string, path: string): RouteMatch<T>;
}

/** The routes that end at one place of the tree, by verb, then by HTTP method. */
type Leaf<T> = Map<string, Map<string, Route<T>>>;

interface Node<T> {
  readonly literals: Map<string, Node<T>>;
  one: Node<T> | undefined;
  readonly ends: Leaf<T>;
  readonly rest: Leaf<T>;
}

/** What is looked for, and the methods met on the way that would have been allowed. */
interface Search<T> {
  readonly segments: readonly string[];
  readonly verb: string;
  readonly httpMethod: string;
  readonly allowed: Set<string>;
  found: Route<T> | undefined;
}

const createNode = <T>(): Node<T> => ({ literals: new Map(), one: undefined, ends: new Map(), rest: new Map() });

/** Throws if two routes cannot be told apart: the same method and the same template, whatever its variables are called. */
export function createRouter<T>(routes: Iterable<Route<T>>): Router<T> {
  const root = createNode<T>();
  const verbs = new Set<string>();
  for (const route of routes) {
    addRoute(root, route);
    if (route.template.verb !== "") verbs.add(route.template.verb);
  }

  function search(httpMethod: string, rawSegments: readonly string[], encoded: boolean, verb: string): RouteMatch<T> {
    const segments = encoded ? rawSegments.map(decodeURIComponent) : rawSegments;
    const state: Search<T> = { segments, verb, httpMethod, allowed: new Set(), found: undefined };
    walk(root, 0, state);
    const { found } = state;
    if (found) return { kind: "found", route: found, variables: captureVariables(found.template, rawSegments) };
    if (state.allowed.size === 0) return { kind: "not_found" };
    return { kind: "wrong_method", allowedMethods: [...state.allowed].sort() };
  }

  function find(httpMethod: string, path: string): RouteMatch<T> {
    const encoded = path.includes("%");
    const rawSegments = path.slice(1).split("/");
    const last = rawSegments.at(-1) ?? "";
    const colon = last.lastIndexOf(":");
    const verb = colon < 0 ? "" : last.slice(colon + 1);
    if (verbs.has(encoded ? decodeURIComponent(verb) : verb)) {
      const match = search(httpMethod, rawSegments.with(-1, last.slice(0, colon)), encoded, decodeURIComponent(verb));
      if (match.kind !== "not_found") return match;
    }
    // Not a verb that this path takes: then the colon belongs to the segment.
    return search(httpMethod, rawSegments, encoded, "");
  }
  return { find };
}

function addRoute<T>(root: Node<T>, route: Route<T>): void {
  const { segments, verb, source } = route.template;
  let node = root;
  let leaf: Leaf<T> | undefined;
  for (const segment of segments) {
    if (segment.kind === "rest") {
      leaf = node.rest;
    } else if (segment.kind === "one") {
      node.one ??= createNode();
      node = node.one;
    } else {
      const next = node.literals.get(segment.text) ?? createNode<T>();
      node.literals.set(segment.text, next);
      node = next;
    }
  }
  leaf ??= node.ends;
  const methods = leaf.get(verb) ?? new Map<string, Route<T>>();
  leaf.set(verb, methods);
  const other = methods.get(route.httpMethod);
  if (other !== undefined) {
    throw new Error(`${route.httpMethod} ${source} cannot be told from ${other.httpMethod} ${other.template.source}`);
  }
  methods.set(route.httpMethod, route);
}

/** Tries the more specific first: a literal, then `*`, then `**`. True once a route with the method is found. */
function walk<T>(node: Node<T>, index: number, search: Search<T>): boolean {
  if (index === search.segments.length) return take(node.ends, search) || take(node.rest, search);
  const segment = search.segments[index] ?? "";
  const literal = node.literals.get(segment);
  if (literal !== undefined && walk(literal, index + 1, search)) return true;
  if (node.one !== undefined && segment !== "" && walk(node.one, index + 1, search)) return true;
  return take(node.rest, search);
}

function take<T>(leaf: Leaf<T>, search: Search<T>): boolean {
  const methods = leaf.get(search.verb);
  if (methods === undefined) return false;
  // HEAD is GET without the body, unless a rule says otherwise.
  const get = search.httpMethod === "HEAD" ? methods.get("GET") : undefined;
  search.found = methods.get(search.httpMethod) ?? get ?? methods.get("*");
  if (search.found !== undefined) return true;
  for (const method of methods.keys()) {
    search.allowed.add(method);
    if (method === "GET") search.allowed.add("HEAD");
  }
  return false;
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
