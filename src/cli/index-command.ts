import { Command } from 'commander';
import { type IndexOptions, type IndexSummary, indexCaches } from '../pipeline/index-caches.js';
import { EXIT_DONE, EXIT_PARTIAL } from './exit-codes.js';
import { formatSeconds } from './format.js';

interface CliOptions extends Pick<IndexOptions, 'outDir' | 'recursive'> {
  readonly json?: boolean;
}

export function indexCommand(): Command {
  return new Command('index')
    .summary('rebuild the manifest from the caches')
    .description(
      'Reads the caches of image folders and rebuilds the manifest, by which the next build knows what is done without ' +
        'opening it. Nothing else is changed, and losing the manifest loses no cache. ' +
        'Exit code: 0 done, 1 nothing could be indexed, 2 some files could not be read.',
    )
    .argument('<dir...>', 'folders with images and their caches')
    .option('--recursive', 'search sub-folders too (default: off)')
    .option('--out-dir <dir>', 'where the caches are, as given to build (default: beside the images)')
    .option('--json', 'print one JSON object')
    .action(async (inputs: string[], { json, ...options }: CliOptions) => {
      const summary = await indexCaches({
        ...options,
        inputs,
        onNotice: ({ message }) => process.stderr.write(`Note: ${message}\n`),
      });
      process.stdout.write(`${json ? JSON.stringify(summary) : summaryLine(summary)}\n`);
      process.exitCode = summary.unreadable > 0 ? EXIT_PARTIAL : EXIT_DONE;
    });
}

function summaryLine(summary: IndexSummary): string {
  const { images, indexed, outdated, foreign, unreadable, withoutImage, seconds } = summary;
  const rest = [
    [outdated, 'of images that have changed since'],
    [foreign, 'of other programs, left alone'],
    [withoutImage, 'without an image'],
    [unreadable, 'not readable'],
  ] as const;
  const parts = rest.filter(([count]) => count > 0).map(([count, what]) => `; ${count} ${what}`);
  return `Indexed ${indexed} caches of ${images} images in ${formatSeconds(seconds)}${parts.join('')}`;
}
