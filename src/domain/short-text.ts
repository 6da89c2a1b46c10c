/**
 * Texts for error responses, of bounded length. gRPC sends them in headers, percent-encoded to up to three times their
 * bytes. A response whose headers exceed what the client's HTTP/2 accepts ends the whole connection.
 */

const maxMessageBytes = 1_024;
const maxValueLength = 100;
const mark = "...";

/** The message of an error: at most about 1 KiB, and valid Unicode. */
export function shortMessage(message: string): string {
  // A UTF-16 code unit takes at most three bytes.
  if (message.length <= maxMessageBytes / 3 && message.isWellFormed()) return message;
  const bytes = Buffer.from(message);
  if (bytes.length <= maxMessageBytes) return message.toWellFormed();
  // A streaming decoder leaves out a character that is cut in the middle.
  return `${new TextDecoder().decode(bytes.subarray(0, maxMessageBytes - mark.length), { stream: true })}${mark}`;
}

/** A client's value for a message that repeats it: valid Unicode, and so short that the rest of the message is not cut off. */
export function shortValue(value: string, maxLength = maxValueLength): string {
  return (value.length <= maxLength ? value : `${value.slice(0, maxLength)}${mark}`).toWellFormed();
}
