package frontrow

import (
	"fmt"
	"iter"

	"google.golang.org/grpc/codes"
)

// itemsOfPages iterates over the items of all pages. A page is fetched when its first item is needed.
func itemsOfPages[Item any](
	fetchPage func(pageToken string) (items []Item, nextPageToken string, err error),
) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		var none Item
		for pageToken := ""; ; {
			items, nextPageToken, err := fetchPage(pageToken)
			if err != nil {
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
			// Otherwise the iteration would not end.
			if nextPageToken == pageToken {
				yield(none, &Error{Code: codes.Internal, Message: fmt.Sprintf("the page %q names itself as the next one", pageToken)})
				return
			}
			pageToken = nextPageToken
		}
	}
}
