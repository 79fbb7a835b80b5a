import { dist } from './dist.mjs';

const { layersOf } = await dist('model/topology.js');
const { SD_ENCODER } = await dist('model/architecture.js');
const operations = await dist('model/operations.js');

/** Operations of one image of `size` × `size` pixels through the SDXL encoder. */
export function encoderOperations(size) {
  return operations.encoderOperations(layersOf(SD_ENCODER), { width: size, height: size });
}
