// What TensorRT is given, without TensorRT: the GPU backend runs as it is, on a stand-in of the addon; each network is
// caught where it would go to the process that builds engines.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';

const GIB = 2 ** 30;
/** Has every precision, and memory for the most images of a run; the graph depends on neither. */
const DEVICE = {
  index: 0,
  name: 'stand-in',
  pciBusId: '0000:00:00.0',
  computeCapability: [9, 0],
  multiprocessors: 1,
  totalBytes: 80 * GIB,
  attributes: 'stand-in',
};
const NO_MEMORY = { activationBytes: 0, inputBytes: 0, outputBytes: 0, arenaBytes: 0 };

/** @param measure takes the model of the calibration network, an image and its size; answers with the largest values. */
export function standInBinding(measure) {
  return {
    cudaStatus: async () => ({ devices: [DEVICE] }),
    cudaMemGetInfo: async () => ({ free: DEVICE.totalBytes, total: DEVICE.totalBytes }),
    probeBackend: async ({ plugin }) => ({
      name: 'stand-in',
      path: plugin,
      priority: 0,
      runtime: 'stand-in',
      precisions: [],
    }),
    openDevice: async () => standInDevice(measure),
    writeFileAtomic: async (temporary, target, pieces) => {
      await writeFile(temporary, Buffer.concat(pieces));
      await rename(temporary, target);
    },
  };
}

/** An engine's plan is the path of its graph. */
function standInDevice(measure) {
  const models = [];
  return {
    loadEngine: async ({ path: file, offset, bytes }) => {
      models.push((await readFile(file)).subarray(offset, offset + bytes).toString());
      return { id: models.length - 1, weightBytes: 0 };
    },
    encode: async (_ticket, engine, [image], height, width, output) => {
      output.set(await measure(models[engine], image, height, width));
    },
    memoryFor: async () => NO_MEMORY,
    unloadEngine: async () => {},
    trim: async () => {},
    close: async () => {},
  };
}

/**
 * Takes the place of `compileEngine`: writes each network as a model of the ONNX format with its weights beside it; those
 * of one precision share them. `caught` lists those that encode, without the one that calibrates.
 *
 * @param folder new; the calibrating one goes to `<folder>-calibration`.
 */
export function catcher(folder) {
  const caught = [];
  const compile = async ({ graph, tensors, allowTf32, optimum, measure }) => {
    const { width, height } = optimum;
    const calibrates = Buffer.from(graph).includes('vae_probe');
    const target = calibrates ? `${folder}-calibration` : folder;
    const model = path.join(target, `${width}x${height}.onnx`);
    await mkdir(target, { recursive: true });
    await writeFile(model, graph);
    await writeOnce(
      path.join(target, 'weights'),
      Buffer.concat(tensors.map(({ values }) => bytesOf(values))),
    );
    if (!calibrates) caught.push({ model, allowTf32, width, height });
    const memory = measure.map((shape) => ({ shape, ...NO_MEMORY }));
    return { plan: Buffer.from(model), timingCache: null, weightBytes: 0, memory };
  };
  return { caught, compile };
}

async function writeOnce(file, bytes) {
  const written = await readFile(file).catch(() => undefined);
  if (written === undefined) await writeFile(file, bytes);
  else if (!written.equals(bytes)) throw new Error(`${file} holds other weights`);
}

function bytesOf({ buffer, byteOffset, byteLength }) {
  return Buffer.from(buffer, byteOffset, byteLength);
}
