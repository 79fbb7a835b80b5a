/** What a network is shown to find out how large its activations become. */
import type { Size } from '../../dataset/bucket.js';
import { mix } from '../../model/seeded-values.js';
import type { SampleImage } from '../encoder.js';

/** Every sample is brought to this size by cutting and repeating: resizing would change what the layers see. */
export const CALIBRATION_SIZE: Size = { width: 512, height: 512 };

/** The samples at `CALIBRATION_SIZE`, and three images that no data set is without for long: noise, black and white. */
export function calibrationImages(samples: readonly SampleImage[]): Uint8Array[] {
  const bytes = CALIBRATION_SIZE.width * CALIBRATION_SIZE.height * 3;
  const white = new Uint8Array(bytes).fill(255);
  return [...samples.map(centre), noise(bytes), new Uint8Array(bytes), white];
}

/** The middle of an image; one that is too small is repeated. */
function centre({ pixels, width, height }: SampleImage): Uint8Array {
  const { width: columns, height: rows } = CALIBRATION_SIZE;
  const left = Math.max(0, Math.floor((width - columns) / 2));
  const top = Math.max(0, Math.floor((height - rows) / 2));
  const cut = new Uint8Array(columns * rows * 3);
  for (let y = 0; y < rows; y++) {
    const row = ((top + y) % height) * width;
    for (let x = 0; x < columns; ) {
      const from = (left + x) % width;
      const length = Math.min(width - from, columns - x);
      cut.set(pixels.subarray((row + from) * 3, (row + from + length) * 3), (y * columns + x) * 3);
      x += length;
    }
  }
  return cut;
}

function noise(bytes: number): Uint8Array {
  return new Uint8Array(Uint32Array.from({ length: bytes / 4 }, (_, at) => mix(at)).buffer);
}
