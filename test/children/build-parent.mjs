// Usage: WORK_FOLDER PID_FILE   starts a build that never ends.
import { compileEngine } from '#dist/encoder/tensorrt/compile-engine.js';

const [workFolder, pidFile] = process.argv.slice(2);
const shape = { count: 1, height: 64, width: 64 };
await compileEngine(
  {
    plugin: '',
    libraryFolders: [],
    device: 0,
    minimum: shape,
    optimum: shape,
    maximum: shape,
    allowTf32: false,
    optimizationLevel: 3,
    memoryLimit: 1,
    measure: [],
    graph: Buffer.from(`hang ${pidFile}`),
    tensors: [],
    timingCache: null,
  },
  { workFolder, entry: new URL('./build-child.mjs', import.meta.url) },
);
