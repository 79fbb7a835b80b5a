import type { ImageTrait } from '../dataset/inspect-image.js';
import type { Mistreated } from '../trainers/trainer.js';
import type { NoticeCode, NoticeEvent } from './events.js';
import type { Target } from './options.js';

/** Paths that one notice names. */
const NOTICE_PATHS = 5;

const TRAIT_TEXTS: Readonly<Record<Mistreated, string>> = {
  'exif-orientation':
    'have an EXIF rotation, which the trainer ignores: they are trained as stored, perhaps sideways',
  'icc-profile': 'have an ICC profile, which the trainer ignores',
  transparency: 'have transparency, which the trainer drops: the colours under it show',
  cmyk: 'are CMYK, which the trainer converts without a profile',
  '16-bit': 'have 16 bits a channel, of which the trainer uses 8',
  'webp-extended':
    'are WebP with an extended header, whose sides sd-scripts reads one pixel short: see --webp-size',
};

const NOTICE_TEXTS: Readonly<Partial<Record<NoticeCode, string>>> = {
  'legacy-shadow':
    'old caches named {image}.npz would be read instead of the new ones: set aside (unless --stale keep)',
  'stale-sibling': 'caches belong to another size of the image: set aside (unless --stale keep)',
  'name-clash':
    'images will be taken for another size, because their names begin like another cache: rename them, or use --legacy-name',
  'foreign-cache': 'caches of another program are where the new ones go: set aside (unless --stale keep)',
  'icc-ignored': 'images have a colour profile that cannot be used: their colours were taken as sRGB',
  'float32-retry':
    'images gave NaN or infinity in the precision of the run and were encoded again in float32',
  'outdated-cache': 'caches do not fit the current settings and are made again',
};

/** Gathers what concerns many files into one notice for each matter. */
export class NoticeCollector {
  private readonly collected = new Map<
    NoticeCode,
    { count: number; paths: string[]; details: Map<string, number> }
  >();
  private readonly told = new Map<ImageTrait, Set<string>>();

  /** @param severalTargets images may be told of more than once */
  constructor(private readonly severalTargets = false) {}

  add(code: NoticeCode, file: string, detail?: string): void {
    const entry = this.collected.get(code) ?? {
      count: 0,
      paths: [] as string[],
      details: new Map<string, number>(),
    };
    this.collected.set(code, entry);
    entry.count++;
    if (entry.paths.length < NOTICE_PATHS) entry.paths.push(file);
    if (detail !== undefined) entry.details.set(detail, (entry.details.get(detail) ?? 0) + 1);
  }

  addTrait(trait: ImageTrait, file: string, { alphaMask, trainer, pixels }: Target): void {
    if (trait === 'rgba' || !trainer.mistreats.has(trait)) return;
    // the mask is what it is for
    if (trait === 'transparency' && (alphaMask || pixels.background !== undefined)) return;
    if (trait === 'exif-orientation' && pixels.autoOrient) return;
    if (trait === 'icc-profile' && pixels.icc === 'srgb') return;
    if (this.severalTargets) {
      const known = this.told.get(trait) ?? new Set();
      this.told.set(trait, known);
      if (known.has(file)) return;
      known.add(file);
    }
    this.add(trait, file);
  }

  events(): NoticeEvent[] {
    return [...this.collected].map(([code, { count, paths, details }]) => {
      const text = NOTICE_TEXTS[code] ?? TRAIT_TEXTS[code as Mistreated];
      const why = [...details].map(([detail, times]) => `${times}: ${detail}`).slice(0, NOTICE_PATHS);
      const message = `${count} ${code in NOTICE_TEXTS ? '' : 'images '}${text}${why.length > 0 ? ` (${why.join('; ')})` : ''}`;
      return { type: 'notice', code, message, count, paths };
    });
  }
}
