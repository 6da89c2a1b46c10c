/**
 * Node's flags for the service, as in package.json and the container image. With many waiting calls, each collection of the
 * young generation copies all of them. A larger young generation is collected less often.
 */
export const serviceFlags = ["--max-semi-space-size=64"] as const;
