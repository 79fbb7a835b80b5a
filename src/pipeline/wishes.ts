/** Data sets of a run that want caches of the same images: what one file can hold is made once. */
import path from 'node:path';
import type { Size } from '../dataset/bucket.js';
import type { ListedImage } from '../dataset/config/types.js';
import type { FormatId } from '../trainers/trainer.js';
import type { BuildOptions, Source } from './options.js';

/** One source for one trainer at one resolution. */
export interface Wish {
  readonly format: FormatId;
  readonly source: Source;
  readonly resolution: Size;
  /** The run's own, with what the source sets over them. */
  readonly options: BuildOptions;
}

/**
 * Data sets that differ in masks, mirrored images and lists of images alone share their caches. An image that several of
 * them have gets all that any of them wants, and an image of one of them nothing that others want: a mask alone switches
 * masked loss on.
 */
export function joinWishes(wishes: readonly Wish[]): Wish[] {
  const groups = new Map<string, Wish[]>();
  for (const wish of wishes) {
    const key = sharedKey(wish);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [wish]);
    else group.push(wish);
  }
  return [...groups.values()].flatMap(joinGroup);
}

/** Equal where an image has one cache for both; of two ways to resize, the trainer keeps what the first one made. */
function sharedKey({ format, source, resolution }: Wish): string {
  const settings = { ...source.settings };
  const { flipAug: _flip, alphaMask: _alpha, resizeInterpolation: _resize, ...others } = settings;
  const inputs = source.inputs.map((input) => path.resolve(input));
  return JSON.stringify([
    format,
    inputs,
    resolution,
    others,
    source.outDir,
    source.captionExtension,
    source.controls,
  ]);
}

function joinGroup(group: readonly Wish[]): Wish[] {
  const wholes = group.filter(({ source }) => source.images === undefined);
  const lists = group.filter(({ source }) => source.images !== undefined);
  const whole = wholes[0] && withAllOf(wholes[0], wholes);
  const parts = splitLists(lists).map((part) =>
    whole === undefined ? part : withAllOf(part, [part, whole]),
  );
  if (whole === undefined) return parts;
  const except = parts.flatMap(({ source }) => source.images ?? []);
  return [...parts, except.length === 0 ? whole : { ...whole, source: { ...whole.source, except } }];
}

/** Lists that share no image: those in equal lists stay together. */
function splitLists(lists: readonly Wish[]): readonly Wish[] {
  // Lists can have millions of images.
  if (lists.length < 2) return lists;
  const owners = new Map<string, { readonly image: ListedImage; readonly wishes: Wish[] }>();
  for (const wish of lists) {
    for (const image of wish.source.images ?? []) {
      const key = JSON.stringify(image);
      const known = owners.get(key);
      if (known === undefined) owners.set(key, { image, wishes: [wish] });
      else if (!known.wishes.includes(wish)) known.wishes.push(wish);
    }
  }
  const parts = new Map<string, { readonly images: ListedImage[]; readonly wishes: readonly Wish[] }>();
  for (const { image, wishes } of owners.values()) {
    const key = wishes.map((wish) => lists.indexOf(wish)).join();
    const part = parts.get(key);
    if (part === undefined) parts.set(key, { images: [image], wishes });
    else part.images.push(image);
  }
  return [...parts.values()].map(({ images, wishes }) => {
    const joined = withAllOf(wishes[0]!, wishes);
    return { ...joined, source: { ...joined.source, images } };
  });
}

function withAllOf(wish: Wish, wishes: readonly Wish[]): Wish {
  const flipAug = wishes.some(({ options }) => options.flipAug === true);
  const alphaMask = wishes.some(({ options }) => options.alphaMask === true);
  return { ...wish, options: { ...wish.options, flipAug, alphaMask } };
}
