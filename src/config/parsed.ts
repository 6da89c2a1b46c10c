/** A value read from text, or what is wrong with that text: a phrase that follows the name of the setting. */
export type Parsed<T> = { readonly value: T } | { readonly problem: string };

const maximumQuotedLength = 80;

/** The text for an error message: escaped, shortened, and without credentials should it be a URL put in the wrong place. */
export function quote(text: string): string {
  const harmless = text.replace(/:\/\/.*@/s, "://***@");
  const shown = harmless.length > maximumQuotedLength ? `${harmless.slice(0, maximumQuotedLength)}...` : harmless;
  return JSON.stringify(shown);
}
