/**
 * The one place that knows how each encoder is put together. Three families share one plan: conv_in, levels of
 * residual blocks with something between them that halves the sides, residual–attention–residual in the middle, an end.
 * Names and order follow the `Encoder` class of CompVis/stable-diffusion (`ldm/modules/diffusionmodules/model.py`);
 * differences those of sd-scripts `hunyuan_image_vae.py` and `qwen_image_autoencoder_kl.py`, and taesd `taesd.py`.
 */
import type {
  HunyuanImageArchitecture,
  KlArchitecture,
  QwenImageArchitecture,
  TinyArchitecture,
  VaeArchitecture,
} from './architecture.js';
import type { AttentionLayer, ConvSpec, Layer, NormSpec, ReluBlockLayer, ResidualLayer } from './layers.js';

export function layersOf(architecture: VaeArchitecture): Layer[] {
  return [
    { kind: 'pixels', range: architecture.family === 'tiny' ? 'unit' : 'signed' },
    ...(architecture.family === 'tiny' ? tinyLayers(architecture) : residualLayers(architecture)),
    {
      kind: 'moments',
      channels: architecture.latentChannels,
      logvarMinimum: architecture.logvarClamp.minimum,
      logvarMaximum: architecture.logvarClamp.maximum,
    },
  ];
}

type ResidualArchitecture = KlArchitecture | HunyuanImageArchitecture | QwenImageArchitecture;

function residualLayers(architecture: ResidualArchitecture): Layer[] {
  const { widths, blocksPerLevel } = architecture;
  const norm = (name: string, channels: number): NormSpec => ({ ...architecture.norm, name, channels });
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
    const next = widths[level + 1];
    if (next === undefined) continue;
    layers.push(halvingLayer(architecture, `encoder.down.${level}.downsample`, channels, next));
    if (architecture.family === 'hunyuan-image') channels = next;
  }
  return [
    ...layers,
    residual('encoder.mid.block_1', channels, channels),
    attention('encoder.mid.attn_1', channels),
    residual('encoder.mid.block_2', channels, channels),
    ...endLayers(architecture, norm('encoder.norm_out', channels)),
  ];
}

/** @param next channels of the next level, which Hunyuan's layer gives already. */
function halvingLayer({ family }: ResidualArchitecture, name: string, channels: number, next: number): Layer {
  if (family !== 'hunyuan-image') {
    return { kind: 'downsample', conv: halving(`${name}.conv`, channels) };
  }
  const conv = conv3(`${name}.conv`, channels, next / 4);
  return { kind: 'space-to-depth', name, conv, inputs: channels, outputs: next };
}

function endLayers(architecture: ResidualArchitecture, norm: NormSpec): Layer[] {
  const moments = 2 * architecture.latentChannels;
  const conv = conv3('encoder.conv_out', norm.channels, moments);
  if (architecture.family === 'hunyuan-image') {
    return [{ kind: 'norm-conv-mean', norm, conv, group: norm.channels / moments, meanScale: 1 }];
  }
  const layers: Layer[] = [
    { kind: 'norm-silu', norm },
    { kind: 'conv', conv },
  ];
  if (architecture.family === 'qwen-image' || architecture.quantConv) {
    layers.push({ kind: 'conv', conv: conv1('quant_conv', moments, moments) });
  }
  return layers;
}

/** The last conv has twice the outputs that a file has: `tiny-moments.ts`. */
function tinyLayers({ widths, blocksPerLevel, latentChannels }: TinyArchitecture): Layer[] {
  let channels = widths[0]!;
  const block = (name: string): ReluBlockLayer => {
    const conv = (number: number) => conv3(`${name}.conv${number}`, channels, channels);
    return { kind: 'relu-block', name, convs: [conv(1), conv(2), conv(3)] };
  };
  const layers: Layer[] = [{ kind: 'conv', conv: conv3('encoder.conv_in', 3, channels) }];
  for (const [level, width] of widths.entries()) {
    if (level > 0) {
      const name = `encoder.down.${level - 1}.downsample.conv`;
      const conv: ConvSpec = { ...conv3(name, channels, width), stride: 2, bias: false };
      layers.push({ kind: 'downsample', conv });
      channels = width;
    }
    for (let at = 0; at < blocksPerLevel[level]!; at++)
      layers.push(block(`encoder.down.${level}.block.${at}`));
  }
  return [...layers, { kind: 'conv', conv: conv3('encoder.conv_out', channels, 2 * latentChannels) }];
}

function conv3(name: string, inputs: number, outputs: number): ConvSpec {
  return { name, inputs, outputs, kernel: 3, stride: 1, padding: [1, 1, 1, 1], bias: true };
}

function conv1(name: string, inputs: number, outputs: number): ConvSpec {
  return { name, inputs, outputs, kernel: 1, stride: 1, padding: [0, 0, 0, 0], bias: true };
}

/** Pads at the bottom and the right only, as the CompVis code does: a symmetric pad would shift the picture. */
function halving(name: string, channels: number): ConvSpec {
  return { ...conv3(name, channels, channels), stride: 2, padding: [0, 0, 1, 1] };
}
