import path from 'node:path';
import { withoutExtension } from '../dataset/image-names.js';
import type { FileState } from '../manifest/file-state.js';
import { clearFolder } from './clear-folder.js';
import { type FailedEvent, toFailure } from './events.js';
import { existingCache } from './existing-cache.js';
import { LOOKUPS, type Look, lookAtImages } from './look-at-images.js';
import { failureRow } from './manifest-rows.js';
import { mapLimit } from './map-limit.js';
import { findCollisions, PlacedNames } from './name-conflicts.js';
import { type OutputGroup, outsideError, outsidePlace, takeCacheNames } from './output-group.js';
import { FATE, type SurveyState } from './survey-state.js';

/** Images in one look, and looks at once: while one waits for the disk, another is judged. */
const CHUNK = 256;
const CHUNKS_AT_ONCE = 4;

/**
 * Looks at the images of one output folder and at what is in it. Names get in each other's way only there, so that nothing
 * of one folder need be kept for the next.
 *
 * @throws LatentCacheError `ERR_ABORTED`, `ERR_OUTPUT_NOT_WRITABLE`, `ERR_DISK_FULL`, `ERR_CACHE_WRITE`
 */
export async function surveyGroup(state: SurveyState, group: OutputGroup): Promise<void> {
  const { table, target } = state.context;
  const place = { outDir: target.outDir, files: target.trainer.files };
  const names = await takeCacheNames(group, table.folders, place);
  await new GroupSurvey(state, group, names).run();
}

class GroupSurvey {
  readonly #placed = new PlacedNames();
  /** Why a cache that is there does not do. */
  readonly #reasons = new Map<number, string>();
  readonly #foreign = new Set<number>();
  readonly #accepted = new Set<string>();
  readonly #caches: ReadonlySet<string>;

  /** @param names of the folder's caches and temporary files */
  constructor(
    private readonly state: SurveyState,
    private readonly group: OutputGroup,
    private readonly names: readonly string[],
  ) {
    const { files } = state.context.target.trainer;
    this.#caches = new Set(names.filter((name) => files.isCache(name)));
  }

  async run(): Promise<void> {
    const { state, group } = this;
    await this.#look();
    this.#collide();
    await this.#readUnknown();
    const encode = [...this.#images(FATE.encode)];
    const outside = await outsidePlace(group);
    if (outside !== undefined) {
      const error = outsideError(group, outside);
      for (const image of encode) this.#fail(image, toFailure(state.context.table.image(image).path, error));
      return;
    }
    for (const image of encode) {
      state.chosen.push(image);
      const reason = this.#reasons.get(image);
      if (reason !== undefined) state.notices.add('outdated-cache', state.plan(image).cachePath, reason);
    }
    const folder = {
      group,
      placed: this.#placed,
      caches: this.#caches,
      accepted: this.#accepted,
      foreign: this.#foreign,
      encode,
    };
    await clearFolder(state, folder, this.names);
  }

  async #look(): Promise<void> {
    const { state, group } = this;
    const look = ({ part, first, count }: Chunk) =>
      lookAtImages(state.context, group, part, first, count, this.#caches).then((looks) => ({
        first,
        looks,
      }));
    for await (const { first, looks } of mapLimit(this.#chunks(), CHUNKS_AT_ONCE, look)) {
      state.throwIfAborted();
      for (const [index, seen] of looks.entries()) {
        this.#see(first + index, seen);
        state.countSeen();
      }
      await state.context.manifest.ready();
    }
  }

  #see(image: number, look: Look): void {
    const { fates, notices, bucketOf, buckets, context } = this.state;
    if ('failure' in look) {
      this.#fail(image, look.failure, look.news);
      return;
    }
    const { item, known, controls = [] } = look;
    context.table.set(image, item.info, item.state);
    if (controls.length > 0 && known.verdict !== 'keep') context.table.setControls(image, controls);
    bucketOf[image] = buckets.numberOf(item.geometry.bucket);
    for (const trait of item.info.traits) {
      notices.addTrait(trait, item.image.path, context.target);
    }
    for (const control of controls) {
      for (const trait of control.info.traits) notices.addTrait(trait, control.path, context.target);
    }
    this.#placed.add(withoutExtension(path.basename(item.image.path)), image);
    if (known.verdict === 'keep') {
      fates[image] = FATE.kept;
      if (known.refresh) context.manifest.recordKept(this.group.root, { ...known.row, source: item.state });
    } else if (known.verdict === 'encode') {
      fates[image] = FATE.encode;
      this.#reasons.set(image, known.reason);
    } else {
      fates[image] = FATE.unknown;
    }
  }

  #collide(): void {
    const { state } = this;
    const remedy =
      'Rename it: the trainer tells caches apart by the name of the image without its extension.';
    const { table, target } = state.context;
    const facts = {
      path: (image: number) => table.path(image),
      name: (image: number) => path.basename(table.path(image)),
      listed: (image: number) => state.listed(image),
    };
    const collisions = findCollisions(this.#placed, target.trainer.files, facts);
    for (const { base, images, message } of collisions) {
      this.#placed.remove(base, images);
      const code = 'ERR_NAME_COLLISION';
      for (const image of images) {
        this.#fail(image, { type: 'failed', path: table.path(image), code, message, remedy });
      }
    }
  }

  async #readUnknown(): Promise<void> {
    const { state } = this;
    const { fates } = state;
    const { recipe, manifest, binding } = state.context;
    const read = async (image: number) => {
      const item = state.plan(image);
      return existingCache(item, recipe, this.#caches, binding).then(
        (found) => ({ image, item, found }),
        (error: unknown) => ({ image, item, failure: toFailure(item.image.path, error) }),
      );
    };
    for await (const result of mapLimit(this.#images(FATE.unknown), LOOKUPS, read)) {
      state.throwIfAborted();
      const { image, item } = result;
      if ('failure' in result) {
        this.#fail(image, result.failure, item.state);
        continue;
      }
      const { keep, row, reason, foreign } = result.found;
      fates[image] = keep === undefined ? FATE.encode : FATE.kept;
      if (keep !== undefined) this.#accepted.add(path.basename(keep));
      else if (reason !== undefined) this.#reasons.set(image, reason);
      // With several resolutions a file, what others put into it stays in it.
      if (foreign && item.keySuffix === '') this.#foreign.add(image);
      if (row !== undefined) manifest.recordKept(this.group.root, row);
      await manifest.ready();
    }
  }

  /** @param news the image's state, when the manifest is to know of the failure */
  #fail(image: number, failure: FailedEvent, news?: FileState): void {
    const { fates, failures, context } = this.state;
    fates[image] = FATE.failed;
    failures.push(failure);
    if (news === undefined) return;
    context.manifest.recordFailure(this.group.root, failureRow(context.table.image(image), news, failure));
  }

  *#chunks(): Generator<Chunk, void, void> {
    const { table } = this.state.context;
    for (const part of this.group.parts) {
      const end = table.start(part + 1);
      for (let first = table.start(part); first < end; first += CHUNK) {
        yield { part, first, count: Math.min(CHUNK, end - first) };
      }
    }
  }

  *#images(fate: number): Generator<number, void, void> {
    const { table } = this.state.context;
    for (const part of this.group.parts) {
      for (let image = table.start(part); image < table.start(part + 1); image++) {
        if (this.state.fates[image] === fate) yield image;
      }
    }
  }
}

interface Chunk {
  readonly part: number;
  readonly first: number;
  readonly count: number;
}
