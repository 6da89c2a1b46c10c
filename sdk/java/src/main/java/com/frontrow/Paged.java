package com.frontrow;

import io.grpc.Status;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.Function;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * The items of all pages of a list. Each iteration begins with the first page. A page is fetched
 * when its first item is needed. A page that names itself as the next one ends the iteration with a
 * {@link FrontrowException} with the code INTERNAL.
 *
 * @param <T> an item
 */
public final class Paged<T> implements Iterable<T> {
  /**
   * One page of a list.
   *
   * @param nextPageToken empty for the last page
   */
  record Page<T>(List<T> items, String nextPageToken) {}

  private final String firstPageToken;
  private final Function<String, Page<T>> fetchPage;

  Paged(String firstPageToken, Function<String, Page<T>> fetchPage) {
    this.firstPageToken = firstPageToken;
    this.fetchPage = fetchPage;
  }

  @Override
  public Iterator<T> iterator() {
    return new ItemIterator();
  }

  /** Returns the items as a stream, which fetches a page when it is needed, too. */
  public Stream<T> stream() {
    return StreamSupport.stream(spliterator(), false);
  }

  private final class ItemIterator implements Iterator<T> {
    private String nextPageToken = firstPageToken;
    private boolean isLastPage;
    private boolean namesItself;
    private Iterator<T> items = List.<T>of().iterator();

    @Override
    public boolean hasNext() {
      while (!items.hasNext() && !isLastPage) {
        if (namesItself) {
          // Otherwise the iteration would not end.
          throw FrontrowException.withoutClass(
              ErrorDetails.of(
                  Status.Code.INTERNAL,
                  null,
                  "the page \"" + nextPageToken + "\" names itself as the next one",
                  null));
        }
        Page<T> page = fetchPage.apply(nextPageToken);
        items = page.items().iterator();
        namesItself = page.nextPageToken().equals(nextPageToken);
        nextPageToken = page.nextPageToken();
        isLastPage = nextPageToken.isEmpty();
      }
      return items.hasNext();
    }

    @Override
    public T next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      return items.next();
    }
  }
}
