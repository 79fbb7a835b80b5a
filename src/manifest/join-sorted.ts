import { compareCodePoints } from '../dataset/name-order.js';

/**
 * Merges rows into names; both are in the order of code points, and a name may have several rows or none.
 *
 * @returns the rows of each name; undefined for none. Rows of other names are dropped
 */
export function joinSorted<Row extends { readonly image: string }>(
  names: readonly string[],
  rows: Iterable<Row>,
): (Row[] | undefined)[] {
  const joined = new Array<Row[] | undefined>(names.length).fill(undefined);
  let at = 0;
  for (const row of rows) {
    while (at < names.length && compareCodePoints(names[at]!, row.image) < 0) at++;
    if (names[at] !== row.image) continue;
    const group = joined[at];
    if (group === undefined) joined[at] = [row];
    else group.push(row);
  }
  return joined;
}
