/** Files that people hand in for a model, told apart by their first bytes, so that the message can say what they are. */
import { extname } from 'node:path';
import { LatentCacheError } from '../../errors.js';

const PICKLE_EXTENSIONS = ['.ckpt', '.pt', '.pth', '.bin', '.pkl', '.pickle'];

const CONVERT =
  'Convert it to .safetensors, for example with the safetensors library in Python. latent-cache never loads pickled files: they can run any code.';

/**
 * @param start the first bytes of the file, 64 if it has so many.
 * @throws LatentCacheError ERR_MODEL_PICKLE for PyTorch's own formats, whatever the file is called; ERR_MODEL_FORMAT
 * for other things that have a name.
 */
export function refuseOtherFormats(start: Uint8Array, path: string): void {
  if (looksLikeSafetensors(start)) return;
  if (beginsWith(start, 'PK\x03\x04') || isPickle(start)) {
    throw new LatentCacheError(
      'ERR_MODEL_PICKLE',
      `expected a safetensors file, ${path} is a pickled PyTorch file`,
      {
        path,
        remedy: CONVERT,
      },
    );
  }
  if (beginsWith(start, 'version https://git-lfs')) {
    throw wrongFormat(
      path,
      'a Git LFS pointer, not the model itself',
      'Run `git lfs pull` in its repository.',
    );
  }
  if (beginsWith(start, '<')) {
    throw wrongFormat(path, 'an HTML page', 'Download the model again: the link gave a web page.');
  }
  if (beginsWith(start, 'GGUF')) {
    throw wrongFormat(path, 'a GGUF file', 'Give the VAE as .safetensors.');
  }
  if (PICKLE_EXTENSIONS.includes(extname(path).toLowerCase())) {
    throw new LatentCacheError(
      'ERR_MODEL_PICKLE',
      `expected a safetensors file, ${path} has the name of a pickled file`,
      {
        path,
        remedy: CONVERT,
      },
    );
  }
}

/** A header length that fits in 32 bits, then the brace: no other format here starts so. */
function looksLikeSafetensors(start: Uint8Array): boolean {
  return start.length >= 9 && start.subarray(4, 8).every((byte) => byte === 0) && start[8] === 0x7b;
}

/** PROTO with version 2 to 5: how every pickle of the last twenty years begins. */
function isPickle(start: Uint8Array): boolean {
  return start[0] === 0x80 && start[1]! >= 2 && start[1]! <= 5;
}

function beginsWith(start: Uint8Array, text: string): boolean {
  return Buffer.from(start.subarray(0, text.length)).toString('latin1') === text;
}

function wrongFormat(path: string, what: string, remedy: string): LatentCacheError {
  return new LatentCacheError('ERR_MODEL_FORMAT', `expected a safetensors file, ${path} is ${what}`, {
    path,
    remedy,
  });
}
