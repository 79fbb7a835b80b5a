/** What an encoder costs on a GPU, for each pixel: as `native/sim/work.h` takes it. */
import { FULL_SIZE, SD_ENCODER, type VaeArchitecture } from '../../model/architecture.js';
import type { ConvSpec, Layer } from '../../model/layers.js';
import { layersOf } from '../../model/topology.js';

export interface EncoderCost {
  /** Operations but those of `pairs`; a multiply-add counts as 2. */
  readonly operations: number;
  /** Operations for each pair of the attention's tokens; 0 without attention. */
  readonly pairs: number;
  /** Elements that layers read and write. */
  readonly elements: number;
  /** Channels of a feature map at full size. */
  readonly width: number;
}

/**
 * Of the VAE at its full size, whatever the widths of this one are: a simulated card works as the real one would, also for
 * the narrow encoders of tests.
 */
export function costOf(architecture: VaeArchitecture): EncoderCost {
  const full = fullSizeOf(architecture);
  return { ...countLayers(layersOf(full)), width: full.widths[0]! };
}

export function fullSizeOf(architecture: VaeArchitecture): VaeArchitecture {
  const { family, latentChannels } = architecture;
  if (family === 'kl') return { ...SD_ENCODER, latentChannels, quantConv: architecture.quantConv };
  return { ...FULL_SIZE[family], latentChannels };
}

/**
 * Counted for kernels that are not fused: each conv reads its input and writes its output, each norm reads twice and
 * writes once. The scores of the attention are counted as operations and not as elements, as they are where chunks keep
 * them in the cache.
 */
function countLayers(layers: readonly Layer[]): Omit<EncoderCost, 'width'> {
  // of a map, as a part of the image's pixels
  let area = 1;
  let operations = 0;
  let pairs = 0;
  let elements = 0;
  const conv = ({ inputs, outputs, kernel, stride }: ConvSpec) => {
    elements += inputs * area;
    if (stride === 2) area /= 4;
    operations += 2 * inputs * outputs * kernel ** 2 * area;
    elements += outputs * area;
  };
  const norm = ({ channels }: { readonly channels: number }) => {
    elements += 3 * channels * area;
  };
  for (const layer of layers) {
    switch (layer.kind) {
      case 'pixels':
      case 'moments':
        break;
      case 'conv':
      case 'downsample':
        conv(layer.conv);
        break;
      case 'norm-silu':
        norm(layer.norm);
        break;
      case 'residual':
        norm(layer.norm1);
        conv(layer.conv1);
        norm(layer.norm2);
        conv(layer.conv2);
        if (layer.shortcut !== null) conv(layer.shortcut);
        break;
      case 'relu-block':
        for (const one of layer.convs) conv(one);
        break;
      case 'attention':
        norm(layer.norm);
        for (const one of [layer.query, layer.key, layer.value, layer.output]) conv(one);
        pairs += 2 * 2 * layer.norm.channels;
        break;
      case 'space-to-depth':
        conv(layer.conv);
        elements += layer.inputs * area;
        area /= 4;
        elements += layer.outputs * area;
        break;
      case 'norm-conv-mean':
        norm(layer.norm);
        conv(layer.conv);
        elements += (layer.norm.channels + layer.conv.outputs) * area;
        break;
    }
  }
  return { operations, pairs, elements };
}
