/** Images that are right by themselves and get into each other's way by their names. */
import type { Size } from '../dataset/bucket.js';
import type { CacheFiles, NamedImages } from '../trainers/trainer.js';

/** Images of one output folder by their names without extension. */
export class PlacedNames {
  readonly #images = new Map<string, number | number[]>();

  add(base: string, image: number): void {
    const known = this.#images.get(base);
    if (known === undefined) this.#images.set(base, image);
    else if (typeof known === 'number') this.#images.set(base, [known, image]);
    else known.push(image);
  }

  /** The images of a name. */
  all(base: string): readonly number[] {
    const known = this.#images.get(base) ?? [];
    return typeof known === 'number' ? [known] : known;
  }

  remove(base: string, images: readonly number[]): void {
    const left = this.all(base).filter((image) => !images.includes(image));
    if (left.length === 0) this.#images.delete(base);
    else this.#images.set(base, left);
  }

  *[Symbol.iterator](): Generator<[base: string, images: readonly number[]], void, void> {
    for (const [base, images] of this.#images) yield [base, typeof images === 'number' ? [images] : images];
  }
}

/** Images of which none can be made right: they get each other's size or latent. */
export interface Collision {
  readonly base: string;
  readonly images: readonly number[];
  readonly message: string;
}

/** What is known of an image by its number. */
export interface ImageFacts {
  /** Path, for messages. */
  path(image: number): string;
  /** Name of the file. */
  name(image: number): string;
  /** The size by which its cache is named. */
  listed(image: number): Size;
}

export function findCollisions(names: PlacedNames, files: CacheFiles, facts: ImageFacts): Collision[] {
  const collisions: Collision[] = [];
  const images: NamedImages = { sizesOf: (base) => names.all(base).map((image) => facts.listed(image)) };
  for (const [base, sharing] of names) {
    const conflict = files.conflict?.(base, images);
    if (conflict?.kind === 'shadowed') {
      const [by] = names.all(conflict.by);
      const message = `the cache of ${facts.path(by!)} has the name that is read first for ${facts.path(sharing[0]!)}`;
      collisions.push({ base, images: sharing, message });
      continue;
    }
    const groups = sharing.length === 1 ? [sharing] : groupByIdentity(sharing, files, facts);
    for (const group of groups) {
      if (group.length > 1) {
        const message = `${group.map((image) => facts.path(image)).join(' and ')} share one cache`;
        collisions.push({ base, images: group, message });
      } else if (conflict !== undefined) {
        collisions.push({ base, images: group, message: conflict.reason });
      }
    }
  }
  return collisions;
}

function groupByIdentity(
  images: readonly number[],
  files: CacheFiles,
  facts: ImageFacts,
): readonly (readonly number[])[] {
  const groups = new Map<string, number[]>();
  for (const image of images) {
    const identity = files.identity(facts.name(image), facts.listed(image));
    const group = groups.get(identity);
    if (group === undefined) groups.set(identity, [image]);
    else group.push(image);
  }
  return [...groups.values()];
}
