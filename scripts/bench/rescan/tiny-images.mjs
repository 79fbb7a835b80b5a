// Many small images that differ: a bitmap of 8x8 pixels is 246 bytes.
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';

const SIDE = 8;
const HEADER = 54;

function bitmap() {
  const file = Buffer.alloc(HEADER + SIDE * SIDE * 3, 100);
  file.fill(0, 0, HEADER);
  file.write('BM', 0, 'latin1');
  file.writeUInt32LE(file.length, 2);
  file.writeUInt32LE(HEADER, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(SIDE, 18);
  file.writeInt32LE(SIDE, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(24, 28);
  return file;
}

/** Names as photographs have them; spread over sub-folders when there are several. */
export function writeTinyImages(folder, images, folders) {
  const file = bitmap();
  for (let index = 0; index < folders; index++) {
    const inside = folders === 1 ? folder : path.join(folder, `folder-${index}`);
    mkdirSync(inside, { recursive: true });
    for (let image = index; image < images; image += folders) {
      file.writeUInt32LE(image, HEADER);
      const handle = openSync(path.join(inside, `photo-${String(image).padStart(8, '0')}.bmp`), 'w');
      writeSync(handle, file);
      closeSync(handle);
    }
  }
}
