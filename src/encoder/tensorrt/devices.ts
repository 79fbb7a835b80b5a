/** GPUs, as far as they can be seen without TensorRT. */
import { LatentCacheError } from '../../errors.js';
import type { CudaDevice, DeviceMemory, NativeBinding } from '../../native/binding.js';
import { loadBinding } from '../../native/load.js';
import { findLibraryFolders } from './find-libraries.js';

export interface DeviceQueryOptions {
  /** Folders in which the CUDA runtime library is looked for first. */
  readonly libraryFolders?: readonly string[];
  /** Replaces the native addon, for tests and embedders. */
  readonly binding?: Pick<NativeBinding, 'cudaStatus' | 'cudaMemGetInfo'>;
}

/**
 * The GPUs of this machine. Needs an NVIDIA driver and libcudart, not TensorRT.
 *
 * @throws LatentCacheError (as rejection) ERR_ADDON_MISSING, ERR_CUDA_MISSING, ERR_CUDA_DRIVER, ERR_NO_DEVICE.
 */
export async function listDevices(options: DeviceQueryOptions = {}): Promise<readonly CudaDevice[]> {
  const { binding = loadBinding(), libraryFolders: folders = [] } = options;
  const { devices } = await binding.cudaStatus(findLibraryFolders({ folders }));
  return devices;
}

/**
 * Memory of a whole GPU, other processes included, in bytes. An allocation of `free` bytes may fail all the same:
 * others allocate too, and free memory may lie in pieces.
 *
 * @param device index as in `listDevices`.
 * @throws LatentCacheError (as rejection) as `listDevices`.
 */
export async function cudaMemGetInfo(
  device: number,
  options: DeviceQueryOptions = {},
): Promise<DeviceMemory> {
  if (!Number.isInteger(device) || device < 0) {
    throw new LatentCacheError('ERR_ARGUMENT', `expected the index of a GPU as device, got ${device}`);
  }
  const { binding = loadBinding(), libraryFolders: folders = [] } = options;
  return binding.cudaMemGetInfo(device, findLibraryFolders({ folders }));
}
