import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { LatentCacheError } from '../errors.js';
import type { NativeBinding } from './binding.js';

const packageRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Compiles the addon and its plug-ins, wherever the package is installed and by whatever package manager. */
export const BUILD_COMMAND = `node "${path.join(packageRoot, 'scripts', 'build-native.mjs')}"`;

interface AddonLoader {
  (root: string): NativeBinding;
  /** The file that would be loaded. */
  path(root: string): string;
}

const addonLoader = createRequire(import.meta.url)('node-gyp-build') as AddonLoader;

/** The folder of the addon, where its plug-ins lie too; undefined when there is none. */
export function addonFolder(): string | undefined {
  try {
    return path.dirname(addonLoader.path(packageRoot));
  } catch {
    return undefined;
  }
}

/**
 * Loads the addon into this thread: a local build first, then the prebuilt binary of this platform. Loading again
 * returns the same binding.
 *
 * @throws LatentCacheError `ERR_ADDON_MISSING` when there is neither, or when it does not load here.
 */
export function loadBinding(): NativeBinding {
  let binding: NativeBinding;
  try {
    binding = addonLoader(packageRoot);
  } catch (cause) {
    throw new LatentCacheError('ERR_ADDON_MISSING', whyMissing(cause), {
      path: packageRoot,
      remedy:
        `Compile it: ${BUILD_COMMAND} ` +
        '(needs a C++20 compiler, make and cmake; on Debian and Ubuntu: g++ make cmake).',
      cause,
    });
  }
  binding.initialize(LatentCacheError);
  return binding;
}

function whyMissing(cause: unknown): string {
  const machine = `${process.platform} ${process.arch}`;
  if (addonFolder() === undefined) return `The native part was not compiled for this machine (${machine})`;
  // Of dlopen's several lines, the first says what is missing.
  const [reason] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
  return `The native part does not load on this machine (${machine}): ${reason}`;
}
