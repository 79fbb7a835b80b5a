import { Command } from 'commander';
import { LatentCacheError } from '../errors.js';
import { type InspectOptions, inspectCache } from '../inspect/inspect-cache.js';
import type { CacheInspection, InspectedArray, InspectedEntry } from '../inspect/result.js';
import { MODELS } from '../model/catalog.js';
import { EXIT_DONE, EXIT_NOTHING, EXIT_PARTIAL } from './exit-codes.js';
import { formatBytes } from './format.js';

interface CliOptions extends Pick<InspectOptions, 'imageDir'> {
  readonly json?: boolean;
}

export function inspectCommand(): Command {
  return new Command('inspect')
    .summary('tell what a cache file is, and who accepts it')
    .description(
      'Reads latent caches of any trainer and tells format, model, shapes, types, statistics, geometry and record, ' +
        'whether the image beside it is still the one that was encoded, and which trainers accept it. ' +
        'Exit code: 0 all were read, 1 none could be read, 2 some could not be read.',
    )
    .argument('<file...>', 'cache files: .npz or .safetensors')
    .option('--image-dir <dir>', 'where the images are (default: beside the caches)')
    .option('--json', 'one JSON object a line and file')
    .action(async (files: string[], { json, ...options }: CliOptions) => {
      let failed = 0;
      for (const file of files) {
        try {
          const inspection = await inspectCache(file, options);
          process.stdout.write(
            json ? `${JSON.stringify(inspection)}\n` : `${textOf(inspection).join('\n')}\n\n`,
          );
        } catch (error) {
          if (!(error instanceof LatentCacheError)) throw error;
          failed++;
          process.stderr.write(`latent-cache: ${error.message} [${error.code}]\n`);
        }
      }
      process.exitCode = failed === 0 ? EXIT_DONE : failed === files.length ? EXIT_NOTHING : EXIT_PARTIAL;
    });
}

function textOf(inspection: CacheInspection): string[] {
  const { path, container, bytes, format, entries, metadata, otherArrays, image, acceptedBy, hints } =
    inspection;
  return [
    printable(path),
    `  ${container}, ${formatBytes(bytes)}, ${format === null ? 'no latent cache' : `format of ${format}`}`,
    ...(format === null ? [] : [`  model: ${modelText(inspection)}`]),
    ...entries.flatMap(entryLines),
    ...Object.entries(metadata).map(([key, text]) => `  ${printable(key)} = ${shortened(printable(text))}`),
    ...(otherArrays.length === 0 ? [] : [`  other arrays: ${otherArrays.map(printable).join(', ')}`]),
    ...(image === null ? [] : [`  image: ${printable(image.path)}: ${printable(image.explanation)}`]),
    ...hints.map((hint) => `  look: ${printable(hint)}`),
    ...(acceptedBy.length === 0 ? [] : ['  accepted by:']),
    ...acceptedBy.map(({ title, accepted, models, reasons, notes }) => {
      const text = accepted ? [`yes, for ${models.join(', ')}`, ...notes] : ['no', ...reasons];
      return `    ${title.padEnd(26)} ${printable(text.join('; '))}`;
    }),
  ];
}

const EVIDENCE = {
  record: 'by its record',
  metadata: 'by its metadata',
  name: 'by its name',
  channels: 'by its channels alone',
} as const;

function modelText({ model: { candidates, by } }: CacheInspection): string {
  if (candidates.length === 0) return 'none has such latents';
  return `${candidates.map((id) => `${id} (${MODELS[id].title})`).join(' or ')}, ${EVIDENCE[by]}`;
}

function entryLines(entry: InspectedEntry): string[] {
  const { latents, latentsFlipped, alphaMask, bucket, originalSize, cropLtrb, framing, values, record } =
    entry;
  const geometry = [
    ...(originalSize === null ? [] : [`image ${originalSize.width}x${originalSize.height}`]),
    ...(framing === null
      ? []
      : [
          `scaled to ${framing.resized.width}x${framing.resized.height}, cut at ${framing.crop.left},${framing.crop.top}`,
        ]),
    ...(bucket === null ? [] : [`bucket ${bucket.width}x${bucket.height}`]),
    ...(cropLtrb === null ? [] : [`crop_ltrb ${cropLtrb.join(', ')}`]),
  ];
  return [
    `  ${arrayText(latents)}${values === null ? '' : `, ${values}`}`,
    ...(latentsFlipped === null ? [] : [`  ${arrayText(latentsFlipped)}`]),
    ...(alphaMask === null
      ? []
      : [`  ${head(alphaMask)}: ${(100 * alphaMask.coverage).toFixed(1)} % of the image counts`]),
    ...(geometry.length === 0 ? [] : [`    ${geometry.join('; ')}`]),
    ...(record === null
      ? ['    not made by latent-cache']
      : [
          `    VAE ${record.recipe.vae}, ${record.recipe.posterior}, resampling ${record.recipe.interpolation}, pixels ` +
            `${record.recipe.pixels}; by ${record.encoder.backend} in ${record.encoder.precision}`,
          `    source of ${record.source.bytes} bytes, SHA-256 ${record.source.sha256}`,
        ].map(printable)),
  ];
}

function head({ name, dtype, shape }: InspectedArray): string {
  return `${printable(name)} ${dtype} (${shape.join(', ')})`;
}

function arrayText(array: InspectedArray): string {
  const { min, max, mean, std, notFinite } = array.statistics;
  const numbers = [`min ${brief(min)}`, `max ${brief(max)}`, `mean ${brief(mean)}`, `std ${brief(std)}`];
  return `${head(array)}: ${numbers.join(', ')}, ${notFinite === 0 ? 'all finite' : `${notFinite} not finite`}`;
}

function brief(value: number): string {
  return Number(value.toPrecision(4)).toString();
}

function shortened(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

/** Texts of a file that nobody vouches for must not reach the terminal's controls. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '�');
}
