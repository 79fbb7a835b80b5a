import { createAiToolkit } from './ai-toolkit/trainer.js';
import { createMusubi } from './musubi/trainer.js';
import { createPlain } from './safetensors/trainer.js';
import { createSdScripts } from './sd-scripts/trainer.js';
import type { TrainerSettings } from './settings.js';
import type { FormatId, Trainer } from './trainer.js';

/** @throws LatentCacheError `ERR_OPTION` for what the trainer does not do, or would stop on */
export function createTrainer(format: FormatId, settings: TrainerSettings): Trainer {
  switch (format) {
    case 'sd-scripts':
      return createSdScripts(settings);
    case 'musubi':
      return createMusubi(settings);
    case 'ai-toolkit':
      return createAiToolkit(settings);
    case 'safetensors':
      return createPlain(settings);
  }
}
