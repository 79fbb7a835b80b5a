import path from 'node:path';
import { sharp } from '../sharp.js';

interface Sample {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly svg: string;
  readonly alpha?: boolean;
}

/** Landscape, portrait, square, smaller than the resolution, with and without alpha; JPEG, PNG and WebP. */
const SAMPLES: readonly Sample[] = [
  {
    name: 'harbour.jpg',
    width: 1600,
    height: 900,
    svg: `<linearGradient id="g" x2="0" y2="1"><stop offset="0" stop-color="#f7b267"/><stop offset="1" stop-color="#274060"/></linearGradient>
      <rect width="100%" height="100%" fill="url(#g)"/><circle cx="72%" cy="38%" r="9%" fill="#ffe8c2"/>
      <path d="M0 640 Q400 560 800 640 T1600 640 V900 H0Z" fill="#1b2a41"/><path d="M560 620h280l-60 70h-170z M690 620v-220l130 200z" fill="#f4f1de"/>`,
  },
  {
    name: 'tower.jpg',
    width: 900,
    height: 1600,
    svg: `<rect width="100%" height="100%" fill="#a8dadc"/><path d="M330 1600 V420 L450 240 L570 420 V1600Z" fill="#6d597a"/>
      <g fill="#ffd166"><rect x="390" y="520" width="40" height="70"/><rect x="470" y="520" width="40" height="70"/><rect x="390" y="760" width="40" height="70"/><rect x="470" y="1000" width="40" height="70"/></g>`,
  },
  {
    name: 'flower.png',
    width: 1024,
    height: 1024,
    alpha: true,
    svg: `<g transform="translate(512 512)">${[0, 60, 120, 180, 240, 300]
      .map(
        (turn) =>
          `<ellipse rx="120" ry="260" cy="-230" fill="#e07a5f" fill-opacity=".8" transform="rotate(${turn})"/>`,
      )
      .join('')}<circle r="130" fill="#f2cc8f"/></g>`,
  },
  {
    name: 'tiles.png',
    width: 333,
    height: 501,
    svg: `<pattern id="p" width="37" height="41" patternUnits="userSpaceOnUse"><rect width="37" height="41" fill="#264653"/><circle cx="18" cy="20" r="13" fill="#2a9d8f"/></pattern><rect width="100%" height="100%" fill="url(#p)"/>`,
  },
  {
    name: 'hills.webp',
    width: 1280,
    height: 960,
    svg: `<rect width="100%" height="100%" fill="#cde7f0"/><ellipse cx="25%" cy="100%" rx="50%" ry="45%" fill="#588157"/><ellipse cx="80%" cy="105%" rx="55%" ry="60%" fill="#3a5a40"/>`,
  },
];

/**
 * Draws the sample images into an existing folder; the same bytes every time.
 *
 * @returns their names
 */
export async function drawSampleImages(folder: string): Promise<string[]> {
  for (const { name, width, height, svg, alpha } of SAMPLES) {
    const drawing = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${svg}</svg>`;
    const image = sharp(Buffer.from(drawing));
    await (alpha ? image : image.flatten({ background: '#ffffff' })).toFile(path.join(folder, name));
  }
  return SAMPLES.map(({ name }) => name);
}
