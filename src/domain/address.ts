/** Addresses of clients: by which key one is counted, and which are to be trusted. */
import { BlockList, isIP, isIPv4, isIPv6, SocketAddress } from "node:net";

/** A port that some proxies append: `192.0.2.1:4711` or `[2001:db8::1]:4711`. */
const withPort = /^(?:\[(?<v6>[\da-f:.]+)\]|(?<v4>\d+(?:\.\d+){3}))(?::\d+)?$/i;

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/**
 * The key by which a client's address is counted: IPv4 as it is, IPv6 by its /64, since one customer has at least that
 * many addresses. What is no address shares one key: it can only come from a trusted proxy that is wrongly set up.
 */
export function addressGroup(address: string): string {
  const bare = bareAddress(address);
  if (bare === undefined) return "unknown";
  if (isIPv4(bare)) return bare;
  const canonical = new SocketAddress({ address: bare, family: "ipv6" }).address;
  const [, mapped] = /^::ffff:(\d+(?:\.\d+){3})$/.exec(canonical) ?? [];
  return mapped ?? `${firstFourGroups(canonical).join(":")}::/64`;
}

/** An address without the port and the brackets that may be around it; undefined for what is no address. */
export function bareAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  const { v4, v6 } = withPort.exec(text)?.groups ?? {};
  const bare = v4 ?? v6 ?? text;
  return isIP(bare) === 0 ? undefined : bare;
}

function firstFourGroups(canonical: string): string[] {
  // A tail in decimals stands for the last two groups.
  const [head = "", tail] = canonical.replace(/\d+(\.\d+){3}$/, "0:0").split("::");
  const groups = (text: string | undefined) => (text ? text.split(":") : []);
  const [first, last] = [groups(head), groups(tail)];
  const zeros = tail === undefined ? 0 : 8 - first.length - last.length;
  return [...first, ...new Array<string>(zeros).fill("0"), ...last].slice(0, 4);
}

/** Whether the address is of this very machine. */
export function isLoopback(address: string): boolean {
  return listed(loopback, address);
}

/** Tells whether an address is one of these, or in one of these networks: `192.0.2.1`, `10.0.0.0/8`, `fd00::/8`. */
export function createAddressMatcher(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", prefix] = network.split("/");
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return (address) => listed(list, address);
}

/** IPv4 in the clothes of IPv6 (`::ffff:192.0.2.1`) is found among IPv4's entries. */
function listed(list: BlockList, address: string): boolean {
  const version = isIP(address);
  return version !== 0 && list.check(address, version === 4 ? "ipv4" : "ipv6");
}
