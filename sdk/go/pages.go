package frontrow

import "iter"

// itemsOfPages iterates over the items of all pages. A page is fetched when its first item is needed.
func itemsOfPages[Item any](
	fetchPage func(pageToken string) (items []Item, nextPageToken string, err error),
) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for pageToken := ""; ; {
			items, nextPageToken, err := fetchPage(pageToken)
			if err != nil {
				var none Item
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if nextPageToken == "" {
				return
			}
			pageToken = nextPageToken
		}
	}
}
