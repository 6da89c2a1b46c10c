package com.frontrow;

import java.io.Serializable;

/**
 * An invalid field of a request.
 *
 * @param field the field's path in the schema's spelling, such as {@code ticket_count}
 * @param message what is wrong with its value
 */
public record Violation(String field, String message) implements Serializable {}
