/**
 * Texts for error responses, of bounded length. gRPC sends them in headers, percent-encoded to up to three times their
 * bytes. A response whose headers exceed what the client's HTTP/2 accepts ends the whole connection.
 */

const maxMessageBytes = 1_024;
const maxValueLength = 100;
const mark = "...";

/** The message of an error: at most about 1 KiB, and valid Unicode. */
export function shortMessage(message: string): string {
  // No character takes more than three bytes a unit.
  if (message.length <= maxMessageBytes / 3 && message.isWellFormed()) return message;
  const bytes = Buffer.from(message);
  if (bytes.length <= maxMessageBytes) return message.toWellFormed();
  // A stream's decoder leaves out a character that is cut in the middle.
  return `${new TextDecoder().decode(bytes.subarray(0, maxMessageBytes - mark.length), { stream: true })}${mark}`;
}

/** A value of the client's for a message that repeats it: valid Unicode, so short that the words around it are not cut off. */
export function shortValue(value: string, maxLength = maxValueLength): string {
  return (value.length <= maxLength ? value : `${value.slice(0, maxLength)}${mark}`).toWellFormed();
}
