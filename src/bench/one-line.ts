const LONGEST = 2000;

/** Text of other libraries as reports take it: without control characters, and short. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu, ' ').slice(0, LONGEST);
}
