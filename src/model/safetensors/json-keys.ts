/**
 * `JSON.parse` lets the last of two equal keys win without a word. For a file format that is an attack: two readers
 * may see different tensors. This walks text that `JSON.parse` has already accepted and looks at the keys only.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;

/**
 * @param json valid JSON text.
 * @returns the first key that occurs twice in one object, at any depth, or undefined.
 */
export function findDuplicateKey(json: string): string | undefined {
  // one entry for each open bracket: the keys seen in an object, null for a list
  const open: (Set<string> | null)[] = [];
  let expectsKey = false;
  for (let at = 0; at < json.length; at++) {
    switch (json.charCodeAt(at)) {
      case OPEN_BRACE:
        open.push(new Set());
        expectsKey = true;
        break;
      case OPEN_BRACKET:
        open.push(null);
        expectsKey = false;
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        open.pop();
        expectsKey = false;
        break;
      case COMMA:
        expectsKey = open.at(-1) instanceof Set;
        break;
      case QUOTE: {
        const end = endOfString(json, at);
        const keys = open.at(-1);
        if (expectsKey && keys) {
          // escapes are resolved: "a" and "\u0061" are the same key
          const key = JSON.parse(json.slice(at, end + 1)) as string;
          if (keys.has(key)) return key;
          keys.add(key);
          expectsKey = false;
        }
        at = end;
        break;
      }
    }
  }
  return undefined;
}

/** Index of the closing quote of the string that opens at `start`. */
function endOfString(json: string, start: number): number {
  let at = start + 1;
  while (json.charCodeAt(at) !== QUOTE) at += json.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}
