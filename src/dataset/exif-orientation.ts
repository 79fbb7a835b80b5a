/**
 * Which EXIF orientation `PIL.ImageOps.exif_transpose` acts on. The rules are those of Pillow's TIFF directory reader,
 * not of the EXIF standard: it takes fractions and floats that equal a whole number, the last of several tags, and
 * nothing behind a value that points out of the block.
 */

/** What a file holds that Pillow looks at; the blocks as libvips hands them over. */
export interface OrientationSources {
  /** With or without the leading `Exif\0\0`. */
  readonly exif: Buffer | undefined;
  readonly xmp: Buffer | undefined;
}

const ORIENTATION = 0x0112;
const ENTRY_BYTES = 12;
/** TIFF's and the other byte orders of the magic number, which Pillow accepts too. */
const PREFIXES = ['49492a00', '4949002a', '4d4d002a', '4d4d2a00'];

/** Bytes of one value, by TIFF type: those that Pillow reads. */
const UNIT_BYTES: Readonly<Record<number, number>> = {
  1: 1,
  2: 1,
  3: 2,
  4: 4,
  5: 8,
  6: 1,
  7: 1,
  8: 2,
  9: 4,
  10: 8,
  11: 4,
  12: 8,
  13: 4,
  16: 8,
};

/** @returns 1 to 8; 1 where there is none, where it is no such number, and where the block cannot be read */
export function exifOrientation({ exif, xmp }: OrientationSources): number {
  const tag = exif === undefined || exif.length === 0 ? 'absent' : orientationTag(exif);
  const value = tag === 'absent' ? xmpOrientation(xmp) : tag;
  return Number.isInteger(value) && value >= 1 && value <= 8 ? value : 1;
}

/** Value of the tag; NaN where it or the whole block is unreadable, so that XMP is not asked either. */
function orientationTag(exif: Buffer): number | 'absent' {
  const block = exif.toString('latin1', 0, 6) === 'Exif\0\0' ? exif.subarray(6) : exif;
  if (block.length === 0) return 'absent';
  if (block.length < 8 || !PREFIXES.includes(block.toString('hex', 0, 4))) return Number.NaN;
  const numbers = new TiffNumbers(block, block[0] === 0x49);
  let found: number | 'absent' = 'absent';
  let at = numbers.uint32(4);
  if (at + 2 > block.length) return found;
  const end = at + 2 + numbers.uint16(at) * ENTRY_BYTES;
  for (at += 2; at < end && at + ENTRY_BYTES <= block.length; at += ENTRY_BYTES) {
    const type = numbers.uint16(at + 2);
    const unit = UNIT_BYTES[type];
    if (unit === undefined) continue;
    const size = numbers.uint32(at + 4) * unit;
    const valueAt = size > 4 ? numbers.uint32(at + 8) : at + 8;
    if (valueAt + size > block.length) break;
    if (size > 0 && numbers.uint16(at) === ORIENTATION) found = numbers.value(type, valueAt);
  }
  return found;
}

class TiffNumbers {
  private readonly view: DataView;

  constructor(
    bytes: Buffer,
    private readonly littleEndian: boolean,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  uint16(at: number): number {
    return this.view.getUint16(at, this.littleEndian);
  }

  uint32(at: number): number {
    return this.view.getUint32(at, this.littleEndian);
  }

  /** The first value of a tag; NaN for texts and bytes, which Pillow compares with no number. */
  value(type: number, at: number): number {
    const { view, littleEndian } = this;
    switch (type) {
      case 3:
        return view.getUint16(at, littleEndian);
      case 4:
      case 13:
        return view.getUint32(at, littleEndian);
      case 5:
        return view.getUint32(at, littleEndian) / view.getUint32(at + 4, littleEndian);
      case 6:
        return view.getInt8(at);
      case 8:
        return view.getInt16(at, littleEndian);
      case 9:
        return view.getInt32(at, littleEndian);
      case 10:
        return view.getInt32(at, littleEndian) / view.getInt32(at + 4, littleEndian);
      case 11:
        return view.getFloat32(at, littleEndian);
      case 12:
        return view.getFloat64(at, littleEndian);
      case 16:
        return Number(view.getBigUint64(at, littleEndian));
      default:
        return Number.NaN;
    }
  }
}

function xmpOrientation(xmp: Buffer | undefined): number {
  const match = xmp?.toString('latin1').match(/tiff:Orientation(?:="|>)([0-9])/);
  return match === null || match === undefined ? 1 : Number(match[1]);
}

/**
 * EXIF of PNG files that ImageMagick wrote: a text chunk of hexadecimal digits behind three lines.
 *
 * @returns undefined where Pillow finds no whole bytes in it either
 */
export function exifOfRawProfile(text: string): Buffer | undefined {
  const digits = text.split('\n').slice(3).join('').replace(/\s/g, '');
  return /^(?:[0-9a-f]{2})+$/i.test(digits) ? Buffer.from(digits, 'hex') : undefined;
}
