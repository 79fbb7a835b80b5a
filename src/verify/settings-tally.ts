import type { CacheStructure } from '../trainers/sd-scripts/npz-structure.js';
import { shortName } from './record.js';
import type { ProblemResult } from './results.js';

interface Kind {
  count: number;
  readonly vae: string;
  /** The first file of it. */
  readonly path: string;
}

/** A folder of more kinds than this is mixed, however many there are. */
const MAX_KINDS = 100;
const SHOWN = 5;

/** Counts with which VAEs and settings the caches of one folder were made: a trainer takes them all as one. */
export class SettingsTally {
  /** By file name suffix, because SD and SDXL caches stand side by side, and then by VAE and settings. */
  private readonly groups = new Map<string, Map<string, Kind>>();

  /** @param group what separates caches that no training run reads together */
  add(group: string, path: string, { provenance, arrays }: CacheStructure): void {
    const kinds = this.groups.get(group) ?? new Map<string, Kind>();
    this.groups.set(group, kinds);
    for (const [suffix, { recipe }] of provenance) {
      const { vae, posterior, seed, dtype, interpolation } = recipe;
      const mask = arrays.has(`alpha_mask${suffix}`) ? ['alpha mask'] : [];
      const noise = posterior === 'sample' ? `sample of seed ${seed}` : posterior;
      const kind = [`VAE ${shortName(vae)}`, noise, dtype, `resize ${interpolation}`, ...mask].join(', ');
      const known = kinds.get(kind);
      if (known !== undefined) known.count++;
      else if (kinds.size < MAX_KINDS) kinds.set(kind, { count: 1, vae, path });
    }
  }

  problems(folder: string): ProblemResult[] {
    return [...this.groups.values()]
      .filter((kinds) => kinds.size > 1)
      .map((kinds) => {
        const sorted = [...kinds].sort(([, a], [, b]) => b.count - a.count);
        const listed = sorted
          .slice(0, SHOWN)
          .map(([kind, { count, path }]) => `${count} with ${kind} (${path})`);
        const more = sorted.length > SHOWN ? `; and ${sorted.length - SHOWN} more` : '';
        const vaes = new Set(sorted.map(([, { vae }]) => vae)).size;
        const most = kinds.size === MAX_KINDS ? 'at least ' : '';
        return {
          type: 'problem',
          path: folder,
          code: 'ERR_CACHE_MIXED',
          message: `its caches were made with ${vaes === 1 ? 'one VAE' : `${most}${vaes} VAEs`} in ${most}${kinds.size} kinds: ${listed.join('; ')}${more}`,
          remedy:
            'Run latent-cache build with the VAE and the settings that are meant: it makes the others again.',
          ours: true,
          repaired: false,
        };
      });
  }
}
