/** The layers as the plug-in takes them. */
import { LatentCacheError } from '../../errors.js';
import { foldPointwiseConvs } from '../../model/fold.js';
import type { Layer, NormSpec, WeightedLayers } from '../../model/layers.js';

/** @throws LatentCacheError ERR_BACKEND_MISSING for layers that the plug-in does not have. */
export function networkFor(encoder: WeightedLayers): WeightedLayers {
  const folded = foldPointwiseConvs(encoder);
  const [pixels, ...layers] = folded.layers;
  if (pixels?.kind !== 'pixels' || pixels.range !== 'signed') throw unsupported('pixels in 0…1');
  for (const layer of layers) refuseUnsupported(layer);
  // the plug-in's own first layer
  return { ...folded, layers };
}

function refuseUnsupported(layer: Layer): void {
  if (['space-to-depth', 'norm-conv-mean', 'relu-block'].includes(layer.kind)) throw unsupported(layer.kind);
  if (normsOf(layer).some(({ kind }) => kind !== 'group')) throw unsupported('RMS norms');
}

function normsOf(layer: Layer): NormSpec[] {
  if (layer.kind === 'residual') return [layer.norm1, layer.norm2];
  return layer.kind === 'norm-silu' || layer.kind === 'attention' ? [layer.norm] : [];
}

function unsupported(what: string): LatentCacheError {
  return new LatentCacheError(
    'ERR_BACKEND_MISSING',
    `The oneDNN plug-in does not have what this VAE needs: ${what}`,
    { remedy: 'Leave the backend to be chosen, or use onnxruntime.' },
  );
}
