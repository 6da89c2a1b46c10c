/** Iterates over the items of all pages. A page is fetched when its first item is needed. */
export async function* itemsOfPages<Item>(
  fetchPage: (pageToken: string) => Promise<{ readonly items: readonly Item[]; readonly nextPageToken: string }>,
): AsyncGenerator<Item, void, undefined> {
  let pageToken = "";
  do {
    const { items, nextPageToken } = await fetchPage(pageToken);
    yield* items;
    pageToken = nextPageToken;
  } while (pageToken !== "");
}
