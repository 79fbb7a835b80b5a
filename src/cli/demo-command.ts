import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Command } from 'commander';
import { drawSampleImages } from '../demo/sample-images.js';
import { asLatentCacheError } from '../errors.js';
import { writeSeededVae } from '../model/seeded-vae.js';
import type { BuildEvent } from '../pipeline/events.js';
import { readCache } from '../trainers/sd-scripts/read-npz.js';
import { runBuild } from './run-build.js';

/** Small enough to run in seconds on any processor, with the structure of the real one. */
const DEMO_WIDTHS = [32, 64, 64, 64];

/** As typed; `runDemo` gives the same to the library. */
const DEMO_OPTIONS = '--model sdxl --resolution 384 --enable-bucket --flip-aug';

export function demoCommand(): Command {
  return new Command('demo')
    .summary('see it work on drawn images with a small VAE')
    .description(
      'Draws sample images and a small VAE with random weights, caches the images, and reads the files back.',
    )
    .option('--dir <dir>', 'folder to make', 'latent-cache-demo')
    .action(async ({ dir }: { dir: string }) => {
      await runDemo(dir);
    });
}

async function runDemo(folder: string): Promise<void> {
  const say = (text = '') => process.stdout.write(`${text}\n`);
  const images = path.join(folder, 'images');
  const vae = path.join(folder, 'demo-vae.safetensors');
  try {
    await mkdir(images, { recursive: true });
    const names = await drawSampleImages(images);
    say(`Drew ${names.length} images in ${images}: ${names.join(', ')}`);
    await writeSeededVae(vae, { seed: 1, widths: DEMO_WIDTHS, blocksPerLevel: 1, layout: 'diffusers' });
    say(
      `Wrote ${vae}: the structure of SDXL's VAE, narrow, with RANDOM weights. Its latents are good for nothing`,
    );
    say('but showing the way; train with a real VAE only.');
  } catch (cause) {
    throw asLatentCacheError(cause, 'ERR_OUTPUT_NOT_WRITABLE', {
      path: folder,
      remedy: 'Choose another folder with --dir.',
    });
  }

  say();
  say(`$ latent-cache build ${images} --vae ${vae} ${DEMO_OPTIONS}`);
  const cachePaths: string[] = [];
  const summary = await runBuild(
    [images],
    { vae, model: 'sdxl', resolution: 384, enableBucket: true, flipAug: true, logFormat: 'text' },
    (event: BuildEvent) => {
      if (event.type === 'encoded') cachePaths.push(event.cachePath);
    },
  );
  say();
  if (summary?.encoded === 0) say('All caches were there and complete: a second run has nothing to do.');
  for (const file of cachePaths.sort()) {
    say(file);
    const cache = await readCache(file);
    for (const [key, { header }] of cache?.arrays ?? []) {
      say(`  ${key.padEnd(16)} ${header.descr} (${header.shape.join(', ')})`);
    }
  }
  say();
  say('For your own images, with the VAE of your model (a checkpoint will do; only its VAE is read):');
  say('  latent-cache build YOUR_IMAGES --vae sdxl_vae.safetensors --model sdxl \\');
  say('    --resolution 1024 --enable-bucket --max-bucket-reso 2048');
  say(
    'Give the bucket options of your training run, then train with --cache_latents --cache_latents_to_disk.',
  );
}
