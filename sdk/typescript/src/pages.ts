import { FrontrowError } from "./error.ts";

/** Iterates over the items of all pages. A page is fetched when its first item is needed. */
export async function* itemsOfPages<Item>(
  fetchPage: (pageToken: string) => Promise<{ readonly items: readonly Item[]; readonly nextPageToken: string }>,
): AsyncGenerator<Item, void, undefined> {
  let pageToken = "";
  do {
    const { items, nextPageToken } = await fetchPage(pageToken);
    yield* items;
    // Otherwise the iteration would not end.
    if (nextPageToken !== "" && nextPageToken === pageToken) {
      throw new FrontrowError({ code: "INTERNAL", message: `the page ${pageToken} names itself as the next one` });
    }
    pageToken = nextPageToken;
  } while (pageToken !== "");
}
