import type { TransformOptions, TransformTarget } from '../native/binding.js';

/**
 * Keeps pixel buffers for the next image of the same size. Work is sorted by bucket, so that one size is in use at a
 * time; fresh memory for each image would cost the system as much as resizing it.
 */
export class PixelPool {
  private readonly free: Uint8Array[] = [];

  /** @param limit buffers kept at most */
  constructor(private readonly limit: number) {}

  /** Content is undefined. */
  take(bytes: number): Uint8Array {
    for (let buffer = this.free.pop(); buffer !== undefined; buffer = this.free.pop()) {
      if (buffer.length === bytes) return buffer; // another size is not coming back: let it go
    }
    return Buffer.allocUnsafeSlow(bytes);
  }

  give(buffer: Uint8Array): void {
    if (this.free.length < this.limit) this.free.push(buffer);
  }
}

/** Memory for one transform. Alpha that nobody asks for is dropped after the resize. */
export function takeTarget(
  pool: PixelPool,
  { cropWidth, cropHeight, channels }: Pick<TransformOptions, 'cropWidth' | 'cropHeight' | 'channels'>,
  { flip, alpha }: { readonly flip: boolean; readonly alpha: boolean },
): TransformTarget {
  const area = cropWidth * cropHeight;
  return {
    rgb: pool.take(area * 3),
    flipped: flip ? pool.take(area * 3) : null,
    alpha: alpha && channels === 4 ? new Uint8Array(area) : null,
  };
}
