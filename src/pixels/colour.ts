import { LatentCacheError } from '../errors.js';

/** Red, green and blue, 0 to 255 each. */
export type Colour = readonly [red: number, green: number, blue: number];

const NAMES: Readonly<Record<string, Colour>> = { white: [255, 255, 255], black: [0, 0, 0] };

/**
 * @param text `#rrggbb`, `white`, `black` or `r,g,b` with numbers from 0 to 255
 * @param option name of the option, for the message
 * @throws LatentCacheError `ERR_OPTION`
 */
export function parseColour(text: string, option: string): Colour {
  const word = text.trim().toLowerCase();
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/.exec(word);
  const decimal = /^(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})$/.exec(word);
  const colour = Object.hasOwn(NAMES, word)
    ? NAMES[word]
    : hex !== null
      ? hex.slice(1).map((digits) => Number.parseInt(digits, 16))
      : decimal?.slice(1).map(Number);
  if (colour === undefined || colour.some((value) => value > 255)) {
    throw new LatentCacheError('ERR_OPTION', `${option} is '${text}', which is no colour`, {
      remedy: 'Write it as #rrggbb, as r,g,b with numbers from 0 to 255, or as white or black.',
    });
  }
  return colour as unknown as Colour;
}
