import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { LatentCacheError } from '../errors.js';
import type { NativeBinding } from './binding.js';

const packageRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

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
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LatentCacheError('ERR_ADDON_MISSING', `The native addon could not be loaded: ${reason}`, {
      path: packageRoot,
      remedy:
        `Supported without a compiler: Linux x64 with glibc (this is ${process.platform} ${process.arch}). ` +
        `Elsewhere run "npm run build:native" in ${packageRoot}; it needs a C++20 compiler, make and cmake.`,
      cause,
    });
  }
  binding.initialize(LatentCacheError);
  return binding;
}
