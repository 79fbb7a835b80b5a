/** A module of the built package, also one that it does not export. */
export const dist = (name) => import(new URL(`../../../dist/${name}`, import.meta.url).href);
