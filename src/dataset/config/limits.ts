/** Bounds that no real data set meets, so that a hostile file costs neither the memory nor the day. */

export const MAX_CONFIG_BYTES = 2 ** 20;
/** Lists and tables inside each other. */
export const MAX_CONFIG_DEPTH = 32;
/** Data sets, and subsets of one. */
export const MAX_CONFIG_SECTIONS = 10_000;
/** A list of images, with captions. */
export const MAX_LIST_BYTES = 512 * 2 ** 20;
/** What a list says of one image. */
export const MAX_ENTRY_BYTES = 2 ** 20;
/** Of all lists that one config names. */
export const MAX_LISTED_IMAGES = 4_000_000;
export const MAX_LISTED_FOLDERS = 100_000;
