/** Which connections a set of NetworkPolicies allows, by the rules of Kubernetes. */
import { BlockList } from "node:net";
import { z } from "zod";
import { matches, selectorSchema } from "./manifests.ts";

const peer = z.strictObject({
  podSelector: selectorSchema.optional(),
  namespaceSelector: selectorSchema.optional(),
  ipBlock: z.strictObject({ cidr: z.string(), except: z.array(z.string()).default([]) }).optional(),
});
const port = z.strictObject({
  port: z.union([z.number(), z.string()]),
  protocol: z.enum(["TCP", "UDP"]).default("TCP"),
});
const ports = z.array(port);
export const policySchema = z.looseObject({
  spec: z.strictObject({
    podSelector: selectorSchema,
    policyTypes: z.array(z.enum(["Ingress", "Egress"])),
    ingress: z.array(z.strictObject({ from: z.array(peer), ports })).default([]),
    egress: z.array(z.strictObject({ to: z.array(peer), ports })).default([]),
  }),
});
type Policy = z.infer<typeof policySchema>;
type Peer = z.infer<typeof peer>;

export interface Place {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The numbers of named ports. */
  readonly ports?: Readonly<Record<string, number>>;
}
/** An address outside of the cluster. */
export type Address = string;

const isWithin = (address: Address, cidr: string) => {
  const [network = "", bits = ""] = cidr.split("/");
  const list = new BlockList();
  list.addSubnet(network, Number(bits));
  return list.check(address);
};

function isPeer({ podSelector, namespaceSelector, ipBlock }: Peer, place: Place | Address, namespace: string): boolean {
  if (typeof place === "string") {
    if (ipBlock === undefined) return false;
    return isWithin(place, ipBlock.cidr) && !ipBlock.except.some((cidr) => isWithin(place, cidr));
  }
  if (ipBlock !== undefined) return false;
  const isNamespace =
    namespaceSelector === undefined
      ? place.namespace === namespace
      : matches(namespaceSelector, { "kubernetes.io/metadata.name": place.namespace });
  return isNamespace && (podSelector === undefined || matches(podSelector, place.labels));
}

/** Whether the policies of a namespace allow a connection by TCP. */
export function allows(
  policies: readonly Policy[],
  namespace: string,
  [from, to, number]: readonly [from: Place, to: Place | Address, port: number],
): boolean {
  const isPort = (wanted: number | string) =>
    wanted === number || (typeof to !== "string" && typeof wanted === "string" && to.ports?.[wanted] === number);
  const permits = (at: Place | Address, other: Place | Address, direction: "Ingress" | "Egress") => {
    if (typeof at === "string" || at.namespace !== namespace) return true;
    const own = policies.filter(
      ({ spec }) => spec.policyTypes.includes(direction) && matches(spec.podSelector, at.labels),
    );
    if (own.length === 0) return true;
    const rules = own.flatMap(({ spec }) =>
      direction === "Ingress"
        ? spec.ingress.map((rule) => ({ peers: rule.from, ports: rule.ports }))
        : spec.egress.map((rule) => ({ peers: rule.to, ports: rule.ports })),
    );
    return rules.some(
      (rule) =>
        rule.peers.some((each) => isPeer(each, other, namespace)) &&
        rule.ports.some((each) => each.protocol === "TCP" && isPort(each.port)),
    );
  };
  return permits(from, to, "Egress") && permits(to, from, "Ingress");
}
