import { type ProvenanceRecord, type RecipeRecord, sameRecipe } from './provenance.js';

/**
 * Compares the record of how a cache was made with how it would be made now. `hashSource` reads the whole image and is
 * called last.
 *
 * @returns the first difference in words; undefined when there is none
 */
export async function findOutdated(
  cache: { readonly provenance: ReadonlyMap<string, ProvenanceRecord> },
  keySuffix: string,
  recipe: RecipeRecord,
  sourceBytes: number,
  hashSource: () => Promise<string>,
): Promise<string | undefined> {
  const record = cache.provenance.get(keySuffix);
  if (record === undefined) return 'it was not made by latent-cache';
  if (record.recipe.vae !== recipe.vae) return 'it was made with another VAE';
  if (!sameRecipe(record.recipe, recipe)) return 'it was made with other settings';
  const unchanged = record.source.bytes === sourceBytes && record.source.sha256 === (await hashSource());
  return unchanged ? undefined : 'the image has changed';
}
