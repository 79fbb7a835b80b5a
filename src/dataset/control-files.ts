/**
 * Paths or names of an image's control images, in the order of their numbers; or why there are none to be used, as the end of a
 * sentence.
 */
export type ControlFiles = readonly string[] | { readonly problem: string; readonly remedy: string };

export function hasProblem(files: ControlFiles): files is Exclude<ControlFiles, readonly string[]> {
  return !Array.isArray(files);
}
