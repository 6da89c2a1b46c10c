/**
 * Node's flags for the service, as package.json and the container image have them. The calls of a crowd outlive a young
 * generation of the usual size, whose survivors are copied, each time it is full: the larger it is, the fewer copies.
 */
export const serviceFlags = ["--max-semi-space-size=64"] as const;
