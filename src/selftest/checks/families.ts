/** Every VAE besides SDXL's once, narrow, in the precision that a build would take. */
import { type Checklist, Skip } from '../checklist.js';
import { compareAll } from '../compare.js';
import { caseLimits, eachMoment, encode } from '../encoding.js';
import type { FamilyCase } from '../known-answers.js';
import { seededImage } from '../seeded-images.js';
import type { Target } from '../target.js';
import type { Workspace } from '../workspace.js';

export async function checkFamilies(
  list: Checklist,
  target: Target,
  workspace: Workspace,
  cases: readonly FamilyCase[],
): Promise<void> {
  for (const one of cases) {
    const { vae, image, imageSeed, width, height, right } = one;
    const [id, title] = [`family.${vae}`, `the VAE of ${one.model} equals torch in float64, within limits`];
    if (list.lostDevice) {
      list.skip(id, title, 'the device was lost');
      continue;
    }
    await list.run(id, title, async () => {
      await using encoder = await target.open(await workspace.loadFamily(one, list.signal));
      const batch = { images: [seededImage(image, imageSeed, height, width)], width, height };
      const found = await encode(encoder, batch, list.signal);
      if (target.kind === 'simulated') throw new Skip('a simulated GPU computes no latents');
      const { precision } = encoder.info;
      const limits = eachMoment((moment) => caseLimits(one, precision, moment));
      const name = `${vae} ${width}x${height} ${image}`;
      return { precision, ...compareAll([{ name, found, right, limits }]) };
    });
  }
}
