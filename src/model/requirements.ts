/** What an encoder must be like for `--model sd` and `--model sdxl`. */
import { LatentCacheError } from '../errors.js';
import { strideOf, type VaeArchitecture } from './architecture.js';
import { MODELS, type ModelId } from './catalog.js';
import { evidenceInCheckpoint } from './evidence.js';
import { nameByLatentChannels } from './other-families.js';
import { badShape, missingTensors, nameInFile, type Tensors, type VaeLocation } from './recognise.js';

/** Other autoencoders of the CompVis code have attention in their levels too. */
const LEVEL_ATTENTION = /^encoder\.(down\.\d+\.attn|down_blocks\.\d+\.attentions)\./;

/**
 * @throws LatentCacheError ERR_MODEL_UNKNOWN when this is the VAE of something else (the message says of what),
 * ERR_MODEL_KEY when quant_conv is missing, ERR_MODEL_SHAPE when a width cannot be normalised in 32 groups.
 */
export function checkRequirements(
  tensors: Tensors,
  location: VaeLocation,
  architecture: VaeArchitecture,
  model: ModelId,
  path: string,
): void {
  refuseOtherCheckpoint(tensors, location, model, path);

  const { latentChannels, quantConv, widths, norm } = architecture;
  const refusal = (got: string) =>
    new LatentCacheError(
      'ERR_MODEL_UNKNOWN',
      `expected the VAE of model ${model}, recognised ${got} in ${path}`,
      {
        path,
        remedy: `Give an ${model === 'sd' ? 'SD1 or SD2' : 'SDXL'} VAE.`,
      },
    );
  const facts = MODELS[model];
  if (latentChannels !== facts.latentChannels) throw refusal(nameByLatentChannels(latentChannels));
  if (strideOf(architecture) !== facts.stride) {
    throw refusal(
      `a VAE with ${widths.length} levels (stride ${strideOf(architecture)}, not ${facts.stride})`,
    );
  }
  const inLevels = [...tensors.keys()].find(
    (name) => name.startsWith(location.prefix) && LEVEL_ATTENTION.test(name.slice(location.prefix.length)),
  );
  if (inLevels !== undefined) throw refusal(`an autoencoder with attention in its levels (${inLevels})`);
  if (!quantConv) throw missingTensors([nameInFile('quant_conv.weight', location)], path);
  for (const [level, width] of widths.entries()) {
    if (width === 0 || width % norm.groups !== 0) {
      const name = nameInFile(`encoder.down.${level}.block.0.conv1.weight`, location);
      throw badShape(path, name, `a multiple of ${norm.groups} outputs`, tensors.get(name)!.shape);
    }
  }
}

function refuseOtherCheckpoint(tensors: Tensors, location: VaeLocation, model: ModelId, path: string): void {
  const evidence = evidenceInCheckpoint(tensors, location.prefix);
  if (evidence === undefined || evidence.model === model) return;
  throw new LatentCacheError(
    'ERR_MODEL_UNKNOWN',
    `expected a VAE for model ${model}, ${path} is ${evidence.what} (it has ${evidence.key})`,
    {
      path,
      remedy:
        evidence.model === 'other'
          ? `Give a VAE for model ${model}.`
          : `Ask for model ${evidence.model}, or give the VAE of the model that you train.`,
    },
  );
}
