package com.frontrow;

/**
 * No Frontrow service answered: the connection failed, or something else is at the address.
 */
public final class UnreachableException extends FrontrowException {
  private static final long serialVersionUID = 1L;

  UnreachableException(ErrorDetails details) {
    super(details);
  }
}
