import { asLatentCacheError, type ErrorCode, LatentCacheError } from '../../errors.js';
import type { BackendInfo, LibrarySearch, NativeBinding } from '../../native/binding.js';
import { BUILD_COMMAND } from '../../native/load.js';

/** From the least to the most that must have been right before a plug-in fails in this way. */
const PROGRESS: readonly ErrorCode[] = [
  'ERR_BACKEND_MISSING',
  'ERR_CUDA_MISSING',
  'ERR_CUDA_DRIVER',
  'ERR_NO_DEVICE',
  'ERR_TENSORRT_MISSING',
  'ERR_TENSORRT_MAJOR',
  'ERR_TENSORRT_TOO_OLD',
];

/**
 * Tries each plug-in and takes the one with the highest priority.
 *
 * @throws LatentCacheError ERR_BACKEND_MISSING when there is no plug-in; otherwise, when none opens, the error of the
 * one that got furthest: of a plug-in for TensorRT 11 that finds nothing and one for 10 that finds a version too old,
 * the second.
 */
export async function openBackend(
  plugins: readonly string[],
  search: LibrarySearch,
  binding: Pick<NativeBinding, 'probeBackend'>,
): Promise<BackendInfo> {
  if (plugins.length === 0) {
    throw new LatentCacheError(
      'ERR_BACKEND_MISSING',
      'The TensorRT plug-ins were not built with this package',
      {
        remedy: `Use --backend cpu, or name the folder of the TensorRT headers in TENSORRT_ROOT and run: ${BUILD_COMMAND}`,
      },
    );
  }
  let best: BackendInfo | undefined;
  const failures: LatentCacheError[] = [];
  for (const plugin of plugins) {
    try {
      const info = await binding.probeBackend({ plugin, ...search });
      if (best === undefined || info.priority > best.priority) best = info;
    } catch (thrown) {
      failures.push(asLatentCacheError(thrown, 'ERR_BACKEND_MISSING'));
    }
  }
  if (best === undefined) throw furthestFirst(failures)[0];
  return best;
}

/** Those whose plug-in got furthest come first; equal ones stay in order. */
export function furthestFirst<T extends { readonly code: ErrorCode }>(failures: readonly T[]): T[] {
  return [...failures].sort((a, b) => progressOf(b) - progressOf(a));
}

/** A code that is not in the list is a failure of another kind, which nobody should miss. */
function progressOf({ code }: { readonly code: ErrorCode }): number {
  const at = PROGRESS.indexOf(code);
  return at < 0 ? PROGRESS.length : at;
}
