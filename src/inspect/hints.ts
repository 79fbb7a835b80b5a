/** What the numbers of a cache give away. */
import { isApproximate, isSimulated } from '../cache/provenance.js';
import { MODELS, type ModelId } from '../model/catalog.js';
import { MAX_LATENT_MAGNITUDE } from '../model/finite.js';
import type { InspectedArray, InspectedEntry } from './result.js';

export function hintsOf(entry: InspectedEntry, model: ModelId | undefined): string[] {
  const { latents, latentsFlipped, alphaMask, record } = entry;
  const hints = [latents, latentsFlipped].flatMap((array) => (array === null ? [] : numberHints(array)));
  if (alphaMask !== null) hints.push(...maskHints(alphaMask));
  if (record !== null && isSimulated(record.encoder.backend))
    hints.push(
      `${latents.name} was made by a simulated GPU (${record.encoder.backend}): it is good for nothing`,
    );
  if (record !== null && isApproximate(record.recipe.vae))
    hints.push(`${latents.name} was made by a tiny encoder (TAESD): it only resembles latents of the VAE`);
  if (model !== undefined && hints.length === 0) hints.push(...scaleHints(entry, model));
  return hints;
}

function numberHints({ name, statistics: { min, max, std, notFinite } }: InspectedArray): string[] {
  if (notFinite > 0)
    return [`${name} holds ${notFinite} values that are NaN or infinite: training on it spoils the model`];
  if (Math.max(-min, max) > MAX_LATENT_MAGNITUDE)
    return [`${name} goes from ${brief(min)} to ${brief(max)}: no latent is beyond ±${MAX_LATENT_MAGNITUDE}`];
  return std === 0 ? [`${name} holds one value throughout, which no image gives`] : [];
}

function maskHints({
  name,
  coverage,
  statistics: { notFinite },
}: InspectedArray & { coverage: number }): string[] {
  if (notFinite > 0 || coverage < 0 || coverage > 1)
    return [`${name} is no mask: its values are not from 0 to 1`];
  return coverage === 0 ? [`${name} hides the whole image`] : [];
}

/** Below this, raw and normalised latents are too much alike to be told apart by one image. */
const TELLING_RATIO = 2;

/** Latents of an image of one colour vary less than those of any photograph. */
const PLAIN_DEVIATION = 0.6;

/** Raw latents of most models vary several times as much as normalised ones. */
function scaleHints({ latents, values }: InspectedEntry, model: ModelId): string[] {
  const raw = rawDeviation(model);
  const { std } = latents.statistics;
  if (raw === undefined || raw < TELLING_RATIO || values === null || std < PLAIN_DEVIATION) return [];
  // What lies nearer on a scale of ratios.
  const looks = std > Math.sqrt(raw) ? 'raw' : 'normalised';
  if (looks === values) return [];
  const usual = { raw: `about ${raw.toFixed(1)}`, normalised: 'about 1' };
  return [
    `${latents.name} has a standard deviation of ${brief(std)}, as ${looks} latents of ${MODELS[model].title} have it ` +
      `(${usual[looks]}); this format holds ${values} ones (${usual[values]})`,
  ];
}

/** Normalised latents have one of about 1, so that the constants tell that of raw ones; undefined where they are not constants. */
export function rawDeviation(model: ModelId): number | undefined {
  const { normalisation } = MODELS[model];
  switch (normalisation.kind) {
    case 'affine':
      return 1 / normalisation.scale;
    case 'channels': {
      const { mean, deviation } = normalisation;
      const average = (values: readonly number[]) =>
        values.reduce((sum, value) => sum + value, 0) / values.length;
      const squares = average(deviation.map((value, c) => value ** 2 + mean[c]! ** 2));
      return Math.sqrt(squares - average(mean) ** 2);
    }
    case 'patches':
      return undefined;
  }
}

function brief(value: number): string {
  return Number(value.toPrecision(3)).toString();
}
