/** From what the user names to the file that holds the VAE. */
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LatentCacheError } from '../errors.js';

/** The full precision first: the encoder runs in float32. */
const FILES_OF_A_FOLDER = [
  'diffusion_pytorch_model.safetensors',
  'diffusion_pytorch_model.fp16.safetensors',
  join('vae', 'diffusion_pytorch_model.safetensors'),
  join('vae', 'diffusion_pytorch_model.fp16.safetensors'),
];

/**
 * A file stays as it is; of a diffusers folder (a whole model, or its `vae`) the VAE's weights are taken.
 *
 * @throws LatentCacheError ERR_MODEL_FILE for a folder without a VAE.
 */
export async function resolveModelFile(path: string): Promise<string> {
  if (!(await isFolder(path))) return path;
  for (const name of FILES_OF_A_FOLDER) {
    const candidate = join(path, name);
    if ((await stat(candidate).catch(() => undefined))?.isFile()) return candidate;
  }
  throw new LatentCacheError(
    'ERR_MODEL_FILE',
    `expected ${FILES_OF_A_FOLDER[0]} in the folder ${path} or in its vae folder, there is none`,
    { path, remedy: 'Give the path of the .safetensors file.' },
  );
}

/** A VAE's has some 500 bytes. */
const MAX_CONFIG_BYTES = 2 ** 20;

/** `config.json` beside a file, parsed; undefined when there is none or it is no JSON: it is only a hint. */
export async function readConfigBeside(file: string): Promise<unknown> {
  const path = join(dirname(file), 'config.json');
  try {
    const status = await stat(path);
    if (!status.isFile() || status.size > MAX_CONFIG_BYTES) return undefined;
    return JSON.parse(await readFile(path, 'utf8')) as unknown;
  } catch {
    return undefined;
  }
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}
