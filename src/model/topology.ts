/**
 * The one place that knows how a KL encoder is put together: conv_in, levels of residual blocks with a stride-2 conv
 * between them, residual–attention–residual in the middle, norm, conv_out, quant_conv. Names and order follow the
 * `Encoder` class of CompVis/stable-diffusion (`ldm/modules/diffusionmodules/model.py`).
 */
import type { VaeArchitecture } from './architecture.js';
import type { AttentionLayer, ConvSpec, Layer, NormSpec, ResidualLayer } from './layers.js';

export function layersOf(architecture: VaeArchitecture): Layer[] {
  const { widths, blocksPerLevel, latentChannels, logvarClamp } = architecture;
  const norm = (name: string, channels: number): NormSpec => ({
    name,
    channels,
    groups: architecture.norm.groups,
    epsilon: architecture.norm.epsilon,
  });
  const residual = (name: string, inputs: number, outputs: number): ResidualLayer => ({
    kind: 'residual',
    name,
    norm1: norm(`${name}.norm1`, inputs),
    conv1: conv3(`${name}.conv1`, inputs, outputs),
    norm2: norm(`${name}.norm2`, outputs),
    conv2: conv3(`${name}.conv2`, outputs, outputs),
    shortcut: inputs === outputs ? null : conv1(`${name}.nin_shortcut`, inputs, outputs),
  });
  const attention = (name: string, channels: number): AttentionLayer => ({
    kind: 'attention',
    name,
    norm: norm(`${name}.norm`, channels),
    query: conv1(`${name}.q`, channels, channels),
    key: conv1(`${name}.k`, channels, channels),
    value: conv1(`${name}.v`, channels, channels),
    output: conv1(`${name}.proj_out`, channels, channels),
    scale: 1 / Math.sqrt(channels),
  });

  let channels = widths[0]!;
  const layers: Layer[] = [{ kind: 'conv', conv: conv3('encoder.conv_in', 3, channels) }];
  for (const [level, width] of widths.entries()) {
    for (let block = 0; block < blocksPerLevel[level]!; block++) {
      layers.push(residual(`encoder.down.${level}.block.${block}`, channels, width));
      channels = width;
    }
    if (level < widths.length - 1) {
      layers.push({ kind: 'downsample', conv: halving(`encoder.down.${level}.downsample.conv`, channels) });
    }
  }
  layers.push(
    residual('encoder.mid.block_1', channels, channels),
    attention('encoder.mid.attn_1', channels),
    residual('encoder.mid.block_2', channels, channels),
    { kind: 'norm-silu', norm: norm('encoder.norm_out', channels) },
    { kind: 'conv', conv: conv3('encoder.conv_out', channels, 2 * latentChannels) },
  );
  if (architecture.quantConv) {
    layers.push({ kind: 'conv', conv: conv1('quant_conv', 2 * latentChannels, 2 * latentChannels) });
  }
  layers.push({
    kind: 'moments',
    channels: latentChannels,
    logvarMinimum: logvarClamp.minimum,
    logvarMaximum: logvarClamp.maximum,
  });
  return layers;
}

function conv3(name: string, inputs: number, outputs: number): ConvSpec {
  return { name, inputs, outputs, kernel: 3, stride: 1, padding: [1, 1, 1, 1] };
}

function conv1(name: string, inputs: number, outputs: number): ConvSpec {
  return { name, inputs, outputs, kernel: 1, stride: 1, padding: [0, 0, 0, 0] };
}

/** Pads at the bottom and the right only, as the CompVis code does: a symmetric pad would shift the picture. */
function halving(name: string, channels: number): ConvSpec {
  return { name, inputs: channels, outputs: channels, kernel: 3, stride: 2, padding: [0, 0, 1, 1] };
}
