/** musubi-tuner's list of images, one JSON object a line. */
import { type Findings, refuseConfig } from './findings.js';
import { ImageList } from './image-list.js';
import { readJsonLines } from './json-entries.js';
import type { ListedImage } from './types.js';
import { type ConfigTable, describeValue, isPathText, shorten } from './values.js';

/**
 * The images by folder, with control images and, with `multipleTarget`, further targets. Paths count from the current folder.
 *
 * @throws LatentCacheError `ERR_DATASET_CONFIG`
 */
export async function readMusubiList(
  file: string,
  multipleTarget: boolean,
  findings: Findings,
): Promise<{ imageDir: string; images: ListedImage[] }[]> {
  const list = new ImageList(file, findings);
  for (const { line, value } of await readJsonLines(file)) {
    const at = { file, line, value };
    const image = pathOf(at, Object.hasOwn(value, 'image_path') ? 'image_path' : 'image_path_0');
    const controls = controlKeys(at).map((key) => pathOf(at, key));
    const targets = multipleTarget ? targetKeys(value).map((key) => pathOf(at, key)) : [];
    list.add(image, { ...(controls.length > 0 && { controls }), ...(targets.length > 0 && { targets }) });
  }
  return [...list.folders].map(([imageDir, images]) => ({ imageDir, images: [...images.values()] }));
}

interface Entry {
  readonly file: string;
  readonly line: number;
  readonly value: ConfigTable;
}

function pathOf({ file, line, value }: Entry, key: string): string {
  const entry = value[key];
  if (isPathText(entry)) return entry;
  return refuseConfig(
    file,
    `line ${line}: ${shorten(key)} must be a path, got ${describeValue(entry)}`,
    'Correct the line.',
  );
}

/** `control_path` counts as `control_path_0`; the others go by their numbers, which may have leading zeros and gaps. */
function controlKeys({ file, line, value }: Entry): string[] {
  const numbered: { key: string; number: number }[] = [];
  for (const key of Object.keys(value)) {
    if (key === 'control_path') numbered.push({ key, number: 0 });
    else if (key.startsWith('control_path_')) {
      const digits = key.slice(key.lastIndexOf('_') + 1);
      if (!/^\d+$/.test(digits)) {
        refuseConfig(
          file,
          `line ${line}: ${shorten(key)} does not end in a number`,
          'Name control images control_path_0, control_path_1 and so on.',
        );
      }
      // as for the trainer, control_path takes the place of control_path_0
      if (key !== 'control_path_0' || !Object.hasOwn(value, 'control_path')) {
        numbered.push({ key, number: Number(digits) });
      }
    }
  }
  return numbered.sort((a, b) => a.number - b.number).map(({ key }) => key);
}

function targetKeys(value: ConfigTable): string[] {
  const keys: string[] = [];
  while (Object.hasOwn(value, `image_path_${keys.length + 1}`)) keys.push(`image_path_${keys.length + 1}`);
  return keys;
}
