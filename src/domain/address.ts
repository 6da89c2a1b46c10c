/** Addresses of clients and of this machine: the key that counts a client, and which networks contain an address. */
import { BlockList, isIP, isIPv4, isIPv6, SocketAddress } from "node:net";

/** A port that some proxies append: `192.0.2.1:4711` or `[2001:db8::1]:4711`. */
const withPort = /^(?:\[(?<v6>[\da-f:.]+)\]|(?<v4>\d+(?:\.\d+){3}))(?::\d+)?$/i;

const loopbackV4 = String.raw`127(?:\.\d{1,3}){3}`;

/** A host of this machine, to listen on or to connect to. */
export const loopbackHost = new RegExp(`^(?:localhost|${loopbackV4}|::1)$`);

/** The host of a request to this machine, with any port. Names under localhost stay on the machine (RFC 6761, 6.3). */
export const loopbackAuthority = new RegExp(
  String.raw`^(?:(?:[\w-]+\.)*localhost\.?|${loopbackV4}|\[::1\])(?::\d*)?$`,
  "i",
);

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/**
 * The key that counts a client's address: IPv4 as it is, IPv6 by its /64, since one customer has at least that many
 * addresses. A text that is no address is from a trusted proxy that is wrongly set up: all such texts share one key.
 */
export function addressGroup(address: string): string {
  const bare = bareAddress(address);
  if (bare === undefined) return "unknown";
  if (isIPv4(bare)) return bare;
  const canonical = new SocketAddress({ address: bare, family: "ipv6" }).address;
  const [, mapped] = /^::ffff:(\d+(?:\.\d+){3})$/.exec(canonical) ?? [];
  return mapped ?? `${firstFourGroups(canonical).join(":")}::/64`;
}

/** An address without its port and brackets; undefined for a text that is no address. */
export function bareAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  const { v4, v6 } = withPort.exec(text)?.groups ?? {};
  const bare = v4 ?? v6 ?? text;
  return isIP(bare) === 0 ? undefined : bare;
}

function firstFourGroups(canonical: string): string[] {
  // A tail in decimals represents the last two groups.
  const [head = "", tail] = canonical.replace(/\d+(\.\d+){3}$/, "0:0").split("::");
  const groups = (text: string | undefined) => (text ? text.split(":") : []);
  const [first, last] = [groups(head), groups(tail)];
  const zeros = tail === undefined ? 0 : 8 - first.length - last.length;
  return [...first, ...new Array<string>(zeros).fill("0"), ...last].slice(0, 4);
}

/** Whether the address is of this machine. */
export function isLoopback(address: string): boolean {
  return listed(loopback, address);
}

/** Matches addresses against a list of addresses and networks: `192.0.2.1`, `10.0.0.0/8`, `fd00::/8`. */
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

/** A BlockList finds an IPv4-mapped IPv6 address (`::ffff:192.0.2.1`) among its IPv4 entries. */
function listed(list: BlockList, address: string): boolean {
  const version = isIP(address);
  return version !== 0 && list.check(address, version === 4 ? "ipv4" : "ipv6");
}
