/** Names of this very machine. */

const ipv4 = String.raw`127(?:\.\d{1,3}){3}`;

/** A host to listen on or to ask. */
export const loopbackHost = new RegExp(`^(?:localhost|${ipv4}|::1)$`);

/** The host of a request, with any port. Names under localhost never leave the machine (RFC 6761, 6.3). */
export const loopbackAuthority = new RegExp(String.raw`^(?:(?:[\w-]+\.)*localhost\.?|${ipv4}|\[::1\])(?::\d*)?$`, "i");
