/** Embedded ICC profiles to sRGB, by littleCMS inside libvips: perceptual intent, Pillow's default. */
import { createHash } from 'node:crypto';
import type { Size } from '../dataset/bucket.js';
import { sharp } from '../sharp.js';
import { BANDS, type TiffColours, type TiffPixels, tiffOf } from './tiff.js';

/**
 * Why a profile was not applied:
 * - `broken`: littleCMS cannot open it, or makes no transform of it
 * - `other-colours`: it describes other colours than the file has, as one of RGB in a CMYK file does
 * - `16-bit-grey`: Pillow clips such images at 255, which leaves nothing to convert
 */
export type IccProblem = 'broken' | 'other-colours' | '16-bit-grey';

export interface SrgbImage {
  /** (height, width, channels) uint8 */
  readonly data: Buffer;
  readonly size: Size;
  readonly channels: 3 | 4;
}

const SPACES: Readonly<Record<TiffColours, string>> = { rgb: 'RGB ', grey: 'GRAY', cmyk: 'CMYK' };
/** Profiles that say how the colours of a device look: display, scanner, printer; and colour spaces. */
const CLASSES = ['mntr', 'scnr', 'prtr', 'spac'];

/**
 * @param pixels in the colours of the file, CMYK with 255 as full ink
 * @returns RGB, or RGBA with the alpha as it was; or why the profile is not applied
 */
export async function profileToSrgb(
  pixels: TiffPixels,
  colours: TiffColours,
  profile: Buffer,
): Promise<SrgbImage | IccProblem> {
  const header = headerOf(profile);
  if (header === undefined) return 'broken';
  if (header.space !== SPACES[colours]) return 'other-colours';
  return (await works(profile, colours)) ? transform(pixels, colours, profile, false) : 'broken';
}

function headerOf(profile: Buffer): { space: string } | undefined {
  if (profile.length < 132 || profile.toString('latin1', 36, 40) !== 'acsp') return undefined;
  if (!CLASSES.includes(profile.toString('latin1', 12, 16))) return undefined;
  return { space: profile.toString('latin1', 16, 20) };
}

/** @param ignore leaves the profile aside, as sharp also does, without a word, with one that littleCMS refuses */
async function transform(
  pixels: TiffPixels,
  colours: TiffColours,
  profile: Buffer,
  ignore: boolean,
): Promise<SrgbImage> {
  const file = tiffOf(pixels, colours, profile);
  const { data, info } = await sharp(file, { limitInputPixels: false, ignoreIcc: ignore })
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, size: { width: info.width, height: info.height }, channels: info.channels as 3 | 4 };
}

/** A data set has a handful of profiles in it. */
const REMEMBERED = 64;
const known = new Map<string, Promise<boolean>>();

/** Whether littleCMS makes a transform of a profile: tried once on some colours. */
function works(profile: Buffer, colours: TiffColours): Promise<boolean> {
  const key = createHash('sha256').update(colours).update(profile).digest('base64');
  let answer = known.get(key);
  if (answer === undefined) {
    answer = changesColours(profile, colours).then(
      (changes) => changes || isIdentity(profile, colours),
      () => false,
    );
    known.set(key, answer);
    for (const oldest of known.keys()) {
      if (known.size <= REMEMBERED) break;
      known.delete(oldest);
    }
  }
  return answer;
}

async function changesColours(profile: Buffer, colours: TiffColours): Promise<boolean> {
  const sample = sampleOf(BANDS[colours]);
  const applied = await transform(sample, colours, profile, false);
  const ignored = await transform(sample, colours, profile, true);
  return !applied.data.equals(ignored.data);
}

/** All combinations of some steps in each band, one pixel high. */
function sampleOf(bands: number): TiffPixels {
  const steps = bands === 1 ? 256 : bands === 3 ? 6 : 4;
  const width = steps ** bands;
  const data = new Uint8Array(width * bands);
  for (let at = 0; at < data.length; at++) {
    const digit = Math.floor(Math.floor(at / bands) / steps ** (at % bands)) % steps;
    data[at] = Math.round((digit * 255) / (steps - 1));
  }
  return { data, size: { width, height: 1 }, bands };
}

/** sRGB's primaries for the white of profiles, D50. */
const SRGB = {
  rXYZ: [0.436, 0.2225, 0.0139],
  gXYZ: [0.3851, 0.7169, 0.0971],
  bXYZ: [0.1431, 0.0606, 0.7141],
};

/** Whether a profile that changes nothing is sRGB's, or grey with its curve, rather than one that was left aside. */
function isIdentity(profile: Buffer, colours: TiffColours): boolean {
  if (colours === 'cmyk') return false;
  const curves = colours === 'grey' ? ['kTRC'] : ['rTRC', 'gTRC', 'bTRC'];
  const readable = curves.every((name) =>
    ['curv', 'para'].includes(tagOf(profile, name)?.toString('latin1', 0, 4) ?? ''),
  );
  if (colours === 'grey' || !readable) return readable;
  return Object.entries(SRGB).every(([name, primary]) => {
    const tag = tagOf(profile, name);
    if (tag === undefined || tag.length < 20) return false;
    return primary.every((value, axis) => Math.abs(tag.readInt32BE(8 + axis * 4) / 65536 - value) < 0.005);
  });
}

function tagOf(profile: Buffer, name: string): Buffer | undefined {
  const count = profile.readUInt32BE(128);
  for (let at = 132; at < 132 + count * 12 && at + 12 <= profile.length; at += 12) {
    if (profile.toString('latin1', at, at + 4) !== name) continue;
    const from = profile.readUInt32BE(at + 4);
    const to = from + profile.readUInt32BE(at + 8);
    return to <= profile.length ? profile.subarray(from, to) : undefined;
  }
  return undefined;
}
