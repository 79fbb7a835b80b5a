/** What the tests of `convert` share: a folder of caches, and a conversion of it. */
// Expectations: arithmetic by hand, the formats' own specifications, and what `build` makes of the same images.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { encodeNpy } from '#dist/cache/npy.js';
import { writeZip } from '#dist/cache/zip.js';
import { type ConvertEvent, type ConvertOptions, type ConvertSummary, convertCaches } from '#dist/index.js';
import { build, drawImage, fakeEncoder, useScratchFolder } from './build-helpers.js';
import { readTensors } from './tensor-file-helpers.js';

export interface Converted {
  readonly summary: ConvertSummary;
  readonly outputs: string[];
  /** base name of the source → code */
  readonly refused: Record<string, string>;
  readonly notes: readonly string[];
}

export const wide = { resolution: { width: 32, height: 16 } } as const;
export const ramp = (length: number) =>
  Array.from({ length }, (_, index) => Math.fround((index - length / 3) / 7));

/** A new folder for each test, and what is done in it. */
export function useConverting() {
  const folder = useScratchFolder();
  const inside = (name: string) => path.join(folder(), name);
  const tensorsIn = async (name: string) => readTensors(await readFile(inside(name)));

  async function convert(options: Partial<ConvertOptions> & Pick<ConvertOptions, 'to'>): Promise<Converted> {
    const events: ConvertEvent[] = [];
    for await (const event of convertCaches({ inputs: [folder()], resolution: 256, ...options }))
      events.push(event);
    const summary = events.pop() as ConvertSummary;
    const outputs = events.flatMap((event) =>
      event.type === 'converted' ? [path.relative(folder(), event.output)] : [],
    );
    const refused = events.flatMap((event) =>
      event.type === 'refused' ? [[path.basename(event.path), event.code] as const] : [],
    );
    const notes = events.flatMap((event) => (event.type === 'converted' ? event.notes : []));
    return { summary, outputs, refused: Object.fromEntries(refused), notes };
  }

  /** A cache of sd-scripts as another program writes it, of an image of 32×16 pixels. */
  async function writeForeign(name: string, values: readonly number[], { channels = 4, suffix = '' } = {}) {
    const members = [
      {
        name: `latents${suffix}.npy`,
        data: encodeNpy('<f4', [channels, 2, 4], Float32Array.from(values)),
        compress: false,
      },
      {
        name: `original_size${suffix}.npy`,
        data: encodeNpy('<i8', [2], BigInt64Array.of(32n, 16n)),
        compress: false,
      },
      {
        name: `crop_ltrb${suffix}.npy`,
        data: encodeNpy('<f8', [4], Float64Array.of(0, 0, 32, 16)),
        compress: false,
      },
    ];
    await writeFile(inside(name), Buffer.concat(await writeZip(members, new Uint8Array())));
  }

  /** One image of 256×256 pixels, its cache and no manifest. */
  async function cached(options: Parameters<typeof build>[1] = {}, channels = 4) {
    await drawImage(inside('a.png'), 256, 256);
    await build(folder(), options, fakeEncoder(undefined, { channels }));
  }
  return { folder, inside, tensorsIn, convert, writeForeign, cached };
}
