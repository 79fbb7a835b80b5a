/** Reads the description of an encoder off the shapes in a file's header. */
import { LatentCacheError } from '../errors.js';
import { GROUP_NORM, LOGVAR_CLAMP, RMS_NORM, type VaeArchitecture } from './architecture.js';
import { nameInFile, type Tensors, type VaeLocation } from './locate.js';

/**
 * Reads widths and depths off the shapes; that every other tensor agrees is checked by the loader.
 *
 * @throws LatentCacheError ERR_MODEL_KEY or ERR_MODEL_SHAPE.
 */
export function readArchitecture(tensors: Tensors, location: VaeLocation, path: string): VaeArchitecture {
  const { family } = location;
  const blocksPerLevel = countBlocks(tensors, location);
  const sidesOf = (canonical: string): readonly number[] => {
    const name = nameInFile(canonical, location, blocksPerLevel);
    const shape = tensors.get(name)?.shape;
    if (shape === undefined) throw missingTensors([name], path);
    const isConv = shape.length === 4 || (family === 'qwen-image' && shape.length === 5);
    if (!isConv) throw badShape(path, name, 'four dimensions', shape);
    return shape;
  };
  const moments = () => {
    const outputs = sidesOf('encoder.conv_out.weight')[0]!;
    if (outputs > 0 && outputs % 2 === 0) return outputs;
    const name = nameInFile('encoder.conv_out.weight', location, blocksPerLevel);
    throw badShape(path, name, 'an even number of outputs (mean and log variance)', [outputs]);
  };

  const input = sidesOf('encoder.conv_in.weight');
  if (input[1] !== 3) {
    const name = nameInFile('encoder.conv_in.weight', location, blocksPerLevel);
    throw badShape(path, name, '3 inputs (red, green and blue)', input);
  }
  const common = {
    widths: blocksPerLevel.map((_, level) => sidesOf(`encoder.down.${level}.block.0.conv1.weight`)[0]!),
    blocksPerLevel,
    logvarClamp: LOGVAR_CLAMP,
  };
  switch (family) {
    case 'kl': {
      const quantConv = tensors.has(nameInFile('quant_conv.weight', location, blocksPerLevel));
      return { family, latentChannels: moments() / 2, ...common, norm: GROUP_NORM, quantConv };
    }
    case 'hunyuan-image':
      return { family, latentChannels: moments() / 2, ...common, norm: GROUP_NORM };
    case 'qwen-image':
      return { family, latentChannels: moments() / 2, ...common, norm: RMS_NORM };
    case 'tiny':
      return { family, latentChannels: sidesOf('encoder.conv_out.weight')[0]!, ...common };
  }
}

function countBlocks(tensors: Tensors, location: VaeLocation): number[] {
  const counts: number[] = [];
  for (;;) {
    const level = counts.length;
    let blocks = 0;
    const name = () => nameInFile(`encoder.down.${level}.block.${blocks}.conv1.weight`, location, counts);
    while (tensors.has(name())) blocks++;
    if (blocks === 0) return counts;
    counts.push(blocks);
  }
}

/** The error for tensors that should be in a file; `names` are those of the file's own layout. */
export function missingTensors(names: readonly string[], path: string): LatentCacheError {
  const more = names.length > 1 ? ` and ${names.length - 1} more` : '';
  return new LatentCacheError(
    'ERR_MODEL_KEY',
    `expected the tensor ${names[0]}${more} in ${path}, it is missing`,
    {
      path,
      remedy: 'The file holds only a part of a VAE: download it again, or take the VAE from another source.',
    },
  );
}

export function badShape(
  path: string,
  name: string,
  expected: string,
  got: readonly number[],
): LatentCacheError {
  return new LatentCacheError(
    'ERR_MODEL_SHAPE',
    `expected ${expected} for tensor ${name} of ${path}, got [${got.join(',')}]`,
    { path, remedy: 'The file is not the VAE of this model, or it was damaged when it was converted.' },
  );
}
