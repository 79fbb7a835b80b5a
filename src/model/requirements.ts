/** What an encoder must be like, and which models have such a one. */
import { LatentCacheError } from '../errors.js';
import { strideOf, type VaeArchitecture } from './architecture.js';
import { MODEL_IDS, MODELS, type ModelId } from './catalog.js';
import { nameInFile, type Tensors, type VaeLocation } from './locate.js';
import { nameByLatentChannels } from './other-families.js';
import { badShape, missingTensors } from './recognise.js';

/** Other autoencoders of the CompVis code have attention in their levels too. */
const LEVEL_ATTENTION = /^encoder\.(down\.\d+\.attn|down_blocks\.\d+\.attentions)\./;

/**
 * The models whose VAE this can be, in the order of the catalog; only `model` when one is asked for.
 *
 * @throws LatentCacheError ERR_MODEL_UNKNOWN when this is the VAE of something else (the message says of what),
 * ERR_MODEL_KEY when quant_conv is missing, ERR_MODEL_SHAPE when widths do not divide as they must.
 */
export function modelsFor(
  tensors: Tensors,
  location: VaeLocation,
  architecture: VaeArchitecture,
  model: ModelId | undefined,
  path: string,
): ModelId[] {
  const wanted = model === undefined ? MODEL_IDS : [model];
  const sameChannels = wanted.filter((id) => hasChannels(id, architecture));
  const refusal = (got: string) => refuse(model, got, path);
  if (sameChannels.length === 0) throw refusal(describe(architecture));
  const stride = strideOf(architecture);
  const models = sameChannels.filter((id) => MODELS[id].stride === stride);
  if (models.length === 0) {
    const { widths } = architecture;
    throw refusal(
      `a VAE with ${widths.length} levels (stride ${stride}, not ${MODELS[sameChannels[0]!].stride})`,
    );
  }
  const inLevels = [...tensors.keys()].find(
    (name) => name.startsWith(location.prefix) && LEVEL_ATTENTION.test(name.slice(location.prefix.length)),
  );
  if (inLevels !== undefined) throw refusal(`an autoencoder with attention in its levels (${inLevels})`);
  if (architecture.family === 'kl') {
    const shouldHave = MODELS[models[0]!].vae !== 'kl16';
    const name = nameInFile('quant_conv.weight', location, architecture.blocksPerLevel);
    if (shouldHave && !architecture.quantConv) throw missingTensors([name], path);
    if (!shouldHave && architecture.quantConv) {
      throw refusal(`a VAE with ${architecture.latentChannels} latent channels and ${name}`);
    }
  }
  checkWidths(tensors, location, architecture, path);
  return models;
}

function hasChannels(id: ModelId, { family, latentChannels }: VaeArchitecture): boolean {
  const { vae, normalisation, latentChannels: channels } = MODELS[id];
  if (channels !== latentChannels) return false;
  if (family === 'tiny') return normalisation.kind === 'affine' && (vae === 'sd' || vae === 'kl16');
  return family === 'kl' ? vae === 'sd' || vae === 'kl16' || vae === 'flux2' : vae === family;
}

function describe({ family, latentChannels }: VaeArchitecture): string {
  switch (family) {
    case 'kl':
      return nameByLatentChannels(latentChannels);
    case 'hunyuan-image':
      return `a VAE like HunyuanImage-2.1's (${latentChannels} latent channels)`;
    case 'qwen-image':
      return `a VAE like those of Wan 2.1 and Qwen-Image (${latentChannels} latent channels)`;
    case 'tiny':
      return `a tiny encoder (TAESD) with ${latentChannels} latent channels`;
  }
}

function refuse(model: ModelId | undefined, got: string, path: string): LatentCacheError {
  const expected = model === undefined ? 'of a model that is known here' : `of model ${model}`;
  const remedy =
    model === undefined
      ? 'Give the VAE of one of the models of --model.'
      : `Give a VAE of ${MODELS[model].title}.`;
  return new LatentCacheError(
    'ERR_MODEL_UNKNOWN',
    `expected the VAE ${expected}, recognised ${got} in ${path}`,
    { path, remedy },
  );
}

function checkWidths(
  tensors: Tensors,
  location: VaeLocation,
  architecture: VaeArchitecture,
  path: string,
): void {
  const { widths, blocksPerLevel, latentChannels } = architecture;
  const demand = (holds: boolean, canonical: string, expected: string) => {
    const name = nameInFile(canonical, location, blocksPerLevel);
    if (!holds) throw badShape(path, name, expected, tensors.get(name)?.shape ?? []);
  };
  for (const [level, width] of widths.entries()) {
    const conv = `encoder.down.${level}.block.0.conv1.weight`;
    const groups =
      'norm' in architecture && architecture.norm.kind === 'group' ? architecture.norm.groups : 1;
    demand(width > 0 && width % groups === 0, conv, `a multiple of ${groups} outputs`);
    const next = widths[level + 1];
    if (architecture.family === 'hunyuan-image' && next !== undefined) {
      demand((4 * width) % next === 0, conv, `outputs of which 4 times are a multiple of ${next}`);
    }
  }
  if (architecture.family === 'hunyuan-image') {
    const moments = 2 * latentChannels;
    demand(
      widths.at(-1)! % moments === 0,
      'encoder.conv_out.weight',
      `a divisor of ${widths.at(-1)} outputs`,
    );
  }
}
