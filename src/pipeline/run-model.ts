/** What the latents of a run are for: what the user says, or what the VAE's file tells. */
import { MODELS, type ModelFacts } from '../model/catalog.js';
import { onlyModel, recogniseModel } from '../model/examine.js';
import type { NoticeEvent } from './events.js';
import { oneOf, refuse } from './option-values.js';
import { type BuildOptions, CHOICES } from './options.js';
import { noVae } from './recipe.js';

export interface RunModel {
  readonly model: ModelFacts;
  /** Which model was recognised, and by what; none when it was said. */
  readonly notices: readonly NoticeEvent[];
}

/**
 * Reads the header of the VAE's file where no model is said.
 *
 * @throws LatentCacheError `ERR_OPTION`, `ERR_MODEL_AMBIGUOUS` with the candidates, and what `recogniseModel` throws
 */
export async function resolveModel({
  model: said,
  vae,
  encoder,
}: Pick<BuildOptions, 'model' | 'vae' | 'encoder'>): Promise<RunModel> {
  if (said !== undefined) return { model: MODELS[oneOf('model', said, CHOICES.model)], notices: [] };
  if (encoder !== undefined)
    refuse('encoder needs model', 'Say what its latents are for: sdxl, for instance.');
  if (vae === undefined) throw noVae();
  const recognised = await recogniseModel(vae);
  if ('candidates' in recognised) {
    return { model: MODELS[onlyModel(recognised.candidates, vae)], notices: [] };
  }
  const model = MODELS[recognised.model];
  const message = `the VAE is taken as one of ${model.title} (--model ${model.id}), by ${recognised.by}`;
  return { model, notices: [{ type: 'notice', code: 'model-recognised', message, count: 1, paths: [vae] }] };
}
