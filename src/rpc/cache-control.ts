/** Whether a client asks for an answer that is read for it, as HTTP has it: a second-old one will not do. */
export function wantsFresh(header: Headers): boolean {
  return /\bno-(?:cache|store)\b/i.test(header.get("Cache-Control") ?? "");
}
