/** How much arithmetic an encoder is, from its layers. */
import type { Size } from '../dataset/bucket.js';
import type { ConvSpec, Layer } from './layers.js';

/**
 * Operations of one image: a multiply-add counts as 2; norms and activations, a percent of the work, as nothing.
 *
 * @param size of the image in pixels
 */
export function encoderOperations(layers: readonly Layer[], size: Size): number {
  let { width, height } = size;
  let operations = 0;
  const halve = () => {
    width /= 2;
    height /= 2;
  };
  const conv = ({ inputs, outputs, kernel, stride }: ConvSpec) => {
    if (stride === 2) halve();
    operations += 2 * width * height * kernel ** 2 * inputs * outputs;
  };
  for (const layer of layers) {
    switch (layer.kind) {
      case 'conv':
      case 'downsample':
      case 'norm-conv-mean':
        conv(layer.conv);
        break;
      case 'space-to-depth':
        conv(layer.conv);
        halve();
        break;
      case 'residual':
        for (const one of [layer.conv1, layer.conv2, layer.shortcut]) if (one !== null) conv(one);
        break;
      case 'relu-block':
        for (const one of layer.convs) conv(one);
        break;
      case 'attention':
        for (const one of [layer.query, layer.key, layer.value, layer.output]) conv(one);
        // every token with every other, for the scores and for the sum of values
        operations += 2 * 2 * (width * height) ** 2 * layer.norm.channels;
        break;
    }
  }
  return operations;
}
