import { describe, expect, it } from 'vitest';
import { walkNames } from '#dist/trainers/sd-scripts/name-pass.js';
import { build, drawImage, useScratchFolder } from './build-helpers.js';

// Expectations: what sd-scripts' own pass over the same names gives (main at 48d368fa).
describe('the sizes that sd-scripts reads off cache names', () => {
  const sizes = (images: string[], caches: string[]) => {
    const found: Record<string, string> = {};
    walkNames(images, caches, (image, { width, height }) => {
      found[images[image]!] = `${width}x${height}`;
    });
    return found;
  };

  it('are those in the names, for names that do not begin alike', () => {
    expect(sizes(['a.png', 'b.png'], ['a_0512x0640_sdxl.npz', 'b_0300x0200_sdxl.npz'])).toEqual({
      'a.png': '512x640',
      'b.png': '300x200',
    });
  });

  it('are missing for img10 beside img1, whose next character sorts before the underscore', () => {
    expect(sizes(['img1.png', 'img10.png'], ['img1_0512x0512_sdxl.npz', 'img10_0300x0300_sdxl.npz'])).toEqual(
      {
        'img1.png': '512x512',
      },
    );
  });

  it('belong to another image when one name begins with the other', () => {
    const caches = ['photo_1024x0768_sdxl.npz', 'photo_1_0640x0640_sdxl.npz'];
    expect(sizes(['photo.png', 'photo_1.png'], caches)).toEqual({
      'photo.png': '1024x768',
      'photo_1.png': '1024x768',
    });
  });
});

const folder = useScratchFolder();

it('tells of images that the trainer will take for another size', async () => {
  await drawImage(`${folder()}/photo.png`, 1024, 768);
  await drawImage(`${folder()}/photo_1.png`, 640, 640);
  expect((await build(folder())).notices).toEqual({ 'name-clash': 1 });
});
