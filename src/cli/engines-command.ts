import { Command } from 'commander';
import { EngineCache } from '../encoder/tensorrt/engine-cache.js';
import { countOf, formatBytes } from './format.js';

interface EnginesOptions {
  readonly engineDir?: string;
}

/** `engines list` and `engines clear`. */
export function enginesCommand(): Command {
  return new Command('engines')
    .summary('show or remove compiled GPU engines')
    .description('Engines are compiled for one GPU, one VAE and some image sizes, and kept for the next run.')
    .addCommand(
      withFolder('list', 'show the engines, the last used first').action(async (options: EnginesOptions) => {
        await listEngines(await openCache(options));
      }),
    )
    .addCommand(
      withFolder('clear', 'remove them all; they are built again when needed').action(
        async (options: EnginesOptions) => {
          const { engines, bytes } = await (await openCache(options)).clear();
          process.stdout.write(`Removed ${countOf(engines, 'engine')}, ${formatBytes(bytes)}\n`);
        },
      ),
    );
}

function withFolder(name: string, summary: string): Command {
  return new Command(name)
    .description(summary)
    .option('--engine-dir <dir>', 'folder of compiled engines (default: ~/.cache/latent-cache/engines)');
}

function openCache({ engineDir }: EnginesOptions): Promise<EngineCache> {
  return EngineCache.open(engineDir === undefined ? {} : { folder: engineDir });
}

async function listEngines(cache: EngineCache): Promise<void> {
  const engines = await cache.list();
  const bytes = engines.reduce((sum, engine) => sum + engine.bytes, 0);
  for (const engine of engines) {
    const used = engine.lastUsed.toISOString().slice(0, 10);
    process.stdout.write(
      `${engine.description} · ${formatBytes(engine.bytes)} · used ${used} · ${engine.device} · ${engine.runtime}\n`,
    );
  }
  process.stdout.write(`${countOf(engines.length, 'engine')}, ${formatBytes(bytes)} in ${cache.folder}\n`);
}
