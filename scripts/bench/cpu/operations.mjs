// How much arithmetic an encoder is, from its layers. A multiply-add counts as 2; norms and activations count nothing.
import { dist } from './dist.mjs';

const { layersOf } = await dist('model/topology.js');
const { SD_ENCODER } = await dist('model/architecture.js');

/** Operations of one image of `size` × `size` pixels through the SDXL encoder. */
export function encoderOperations(size) {
  let side = size;
  let operations = 0;
  const conv = ({ inputs, outputs, kernel, stride }) => {
    side /= stride;
    operations += 2 * side ** 2 * kernel ** 2 * inputs * outputs;
  };
  for (const layer of layersOf(SD_ENCODER)) {
    switch (layer.kind) {
      case 'conv':
      case 'downsample':
        conv(layer.conv);
        break;
      case 'residual':
        for (const one of [layer.conv1, layer.conv2, layer.shortcut]) if (one !== null) conv(one);
        break;
      case 'attention':
        for (const one of [layer.query, layer.key, layer.value, layer.output]) conv(one);
        // every token with every other, for the scores and for the sum of values
        operations += 2 * 2 * side ** 4 * layer.norm.channels;
        break;
    }
  }
  return operations;
}
