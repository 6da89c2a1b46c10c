/** How many plain calls a call counts for in its caller's budget. */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { type AccessRule, Lane } from "./access.ts";
import { wantsFresh } from "./cache-control.ts";
import { soughtText } from "./requests.ts";

/** A search looks at up to 4,000 concerts, a plain read at one page of them. */
const searchCost = 10;
/** A read that the cache may not answer takes a connection of the database each time. */
const freshFactor = 2;

/** The cost of a call by its method's rule, its request and its headers; 1 for most. */
export function costOf(
  { lane, searchKeys, isOwned }: Pick<AccessRule, "lane" | "searchKeys" | "isOwned">,
  { message, header }: { readonly message: MessageShape<DescMessage>; readonly header: Headers },
): number {
  if (lane !== Lane.READ) return 1;
  const values = message as unknown as Readonly<Record<string, string>>;
  const base = searchKeys.some((key) => soughtText(values[key]) !== undefined) ? searchCost : 1;
  // What a user owns is never cached.
  return !isOwned && wantsFresh(header) ? base * freshFactor : base;
}
