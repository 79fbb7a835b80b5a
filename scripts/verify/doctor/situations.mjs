// Machines as people have them. Each is a machine in memory, what its libraries answer, and a question.
import { answer, crash, error, fakeMachine, fakeProbe, hang } from './fake-machine.mjs';

const GIB = 2 ** 30;
const VENV = '/home/me/venv';
const SITE = `${VENV}/lib/python3.12/site-packages`;

const UBUNTU = 'PRETTY_NAME="Ubuntu 24.04.1 LTS"\nID=ubuntu\nID_LIKE=debian\n';
const DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n';
const FEDORA = 'PRETTY_NAME="Fedora Linux 43"\nID=fedora\n';
const ARCH = 'PRETTY_NAME="Arch Linux"\nID=arch\n';

/** What any Linux has. */
const LINUX = {
  '/etc/os-release': UBUNTU,
  '/proc/cpuinfo': 'model name\t: A processor\nflags\t\t: fpu sse4_1 avx2 fma avx512f amx_tile\n',
  '/proc/meminfo': 'MemTotal: 33554432 kB\nMemAvailable: 25165824 kB\n',
  '/proc/self/limits': 'Max processes 100000 100000 processes\nMax open files 524288 524288 files\n',
  '/home/me/.cache/x': '',
};

const CARD = '/sys/bus/pci/devices/0000:01:00.0';
const card = (module) => ({
  [`${CARD}/vendor`]: '0x10de\n',
  [`${CARD}/class`]: '0x030000\n',
  ...(module === undefined
    ? {}
    : { [`${CARD}/driver`]: { kind: 'folder', realPath: `/sys/bus/pci/drivers/${module}` } }),
});
const driver = (version) => ({
  '/proc/driver/nvidia/version': `NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  ${version}  Release Build\n`,
  '/usr/lib/x86_64-linux-gnu/libcuda.so.1': '',
  '/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1': {
    realPath: `/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.${version}`,
  },
});
const DEVICES = { '/dev/nvidiactl': '', '/dev/nvidia-uvm': '', '/dev/nvidia0': '' };
const RUNTIME = { [`${SITE}/nvidia/cu13/lib/libcudart.so.13`]: '' };
const tensorrt = (major, version) => ({
  [`${SITE}/tensorrt_libs/libnvinfer.so.${major}`]: '',
  [`${SITE}/tensorrt_libs/libnvonnxparser.so.${major}`]: '',
  [`${SITE}/tensorrt_cu13_libs-${version}.dist-info/RECORD`]: '',
});
/** A card with everything that it needs. */
const COMPLETE = {
  ...LINUX,
  ...card('nvidia'),
  ...driver('580.95.05'),
  ...DEVICES,
  ...RUNTIME,
  ...tensorrt(10, '10.14.1.48'),
};

const gpu = (more = {}) => ({
  index: 0,
  name: 'NVIDIA GeForce RTX 4090',
  pciBusId: '0000:01:00.0',
  computeCapability: [8, 9],
  multiprocessors: 128,
  totalBytes: 24 * GIB,
  attributes: '',
  ...more,
});
const cuda = ({ devices = [gpu()], free = 22 * GIB, total = 24 * GIB, memoryError = null, ...status } = {}) =>
  answer({
    status: {
      runtimePath: `${SITE}/nvidia/cu13/lib/libcudart.so.13`,
      runtimeVersion: 13000,
      driverVersion: 13000,
      devices,
      ...status,
    },
    memory: memoryError === null ? { free, total } : null,
    memoryError,
  });
const nvml = ({ processes = [], free = 22 * GIB, driverVersion = '580.95.05', cudaVersion = 13000 } = {}) =>
  answer({
    libraryPath: 'libnvidia-ml.so.1',
    driverVersion,
    cudaVersion,
    devices: [
      { index: 0, name: 'x', pciBusId: '0000:01:00.0', totalBytes: 24 * GIB, freeBytes: free, processes },
    ],
  });
const plugin = (name, priority, runtime, precisions = []) =>
  answer({ name, path: `/addon/${name}`, priority, runtime, precisions });
const loads = answer({ version: '1.2.3', problem: null, reason: null });
const notInstalled = answer({ version: null, problem: 'missing', reason: null });

const noNvml = error('ERR_NVML', 'libnvidia-ml.so.1: cannot open shared object file');
const noCudart = error('ERR_CUDA_MISSING', 'The CUDA runtime library was not found: libcudart.so.13');
const noDriver = error(
  'ERR_CUDA_DRIVER',
  'No NVIDIA driver was found; libcudart.so.13 needs one for CUDA 13.0',
);
const noDevice = error('ERR_NO_DEVICE', 'cudaGetDeviceCount: no CUDA-capable device is detected');
const noTensorrt = error('ERR_TENSORRT_MISSING', 'TensorRT 10 was not found: libnvinfer.so.10');
const noAddon = error('ERR_ADDON_MISSING', 'The native addon could not be loaded: No native build was found');

const TRT10 = 'liblatent_cache_trt10.so';
const TRT11 = 'liblatent_cache_trt11.so';
const ONEDNN = 'liblatent_cache_onednn.so';

/** What works; a situation replaces some. */
const ANSWERS = {
  addon: answer({ instructionSet: 'avx512' }),
  sharp: loads,
  libsql: loads,
  'onnxruntime-node': loads,
  [ONEDNN]: plugin('onednn', 1, 'oneDNN 3.7.1', ['bf16x3', 'fp32', 'bf16']),
  nvml: nvml(),
  cuda: cuda(),
  [TRT10]: plugin('tensorrt10', 10, 'TensorRT 10.14.1, CUDA runtime 13.0'),
  [TRT11]: error('ERR_TENSORRT_MISSING', 'TensorRT 11 was not found: libnvinfer.so.11'),
};
const NO_DRIVER = { nvml: noNvml, cuda: noCudart, [TRT10]: noCudart, [TRT11]: noCudart };
const NO_CUDA = { cuda: noCudart, [TRT10]: noCudart, [TRT11]: noCudart };

const ACTIVE = { VIRTUAL_ENV: VENV };
const BOTH = [`/addon/${TRT11}`, `/addon/${TRT10}`];

/** without: paths that are left out of `files`. */
const situation = (
  name,
  {
    files = COMPLETE,
    without = [],
    answers = {},
    env = ACTIVE,
    plugins = BOTH,
    onednn = true,
    options = {},
    ...machine
  },
) => ({
  name,
  options,
  seams: {
    machine: fakeMachine({
      files: Object.fromEntries(
        Object.entries(files).filter(([file]) => !without.some((part) => file.includes(part))),
      ),
      env,
      ...machine,
    }),
    probe: fakeProbe({ ...ANSWERS, ...answers }),
    plugins: { tensorrt: plugins, onednn: onednn ? [`/addon/${ONEDNN}`] : [] },
  },
});

const CONTAINER = { '/.dockerenv': '' };
const WSL = { '/proc/sys/kernel/osrelease': '6.6.87.2-microsoft-standard-WSL2\n', '/dev/dxg': '' };

export const SITUATIONS = [
  situation('everything is there', {}),
  situation('no card, oneDNN', { files: LINUX, answers: NO_DRIVER }),
  situation('no card, only onnxruntime', { files: LINUX, answers: NO_DRIVER, onednn: false }),
  situation('no card, no back-end at all', {
    files: LINUX,
    answers: { ...NO_DRIVER, 'onnxruntime-node': notInstalled },
    onednn: false,
  }),
  situation('Ubuntu without a driver', { files: { ...LINUX, ...card('nouveau') }, answers: NO_DRIVER }),
  situation('Debian without a driver', {
    files: { ...LINUX, ...card(), '/etc/os-release': DEBIAN },
    answers: NO_DRIVER,
  }),
  situation('Fedora without a driver', {
    files: { ...LINUX, ...card(), '/etc/os-release': FEDORA },
    answers: NO_DRIVER,
  }),
  situation('Arch without a driver', {
    files: { ...LINUX, ...card(), '/etc/os-release': ARCH },
    answers: NO_DRIVER,
  }),
  situation('WSL, no driver on Windows', { files: { ...LINUX, ...WSL }, answers: NO_DRIVER }),
  situation('WSL, TensorRT missing', {
    files: { ...LINUX, ...WSL, '/usr/lib/wsl/lib/libcuda.so.1': '', ...RUNTIME },
    answers: { nvml: nvml({ driverVersion: '581.57' }), [TRT10]: noTensorrt },
  }),
  situation('kernel module not loaded', {
    without: ['/proc/driver', '/driver'],
    answers: { nvml: noNvml, cuda: noDriver, [TRT10]: noDriver, [TRT11]: noDriver },
  }),
  situation('driver updated, not restarted', {
    files: {
      ...COMPLETE,
      '/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1': {
        realPath: '/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.580.105.08',
      },
    },
    answers: {
      nvml: error('ERR_NVML', 'nvmlInit_v2: Driver/library version mismatch (18)'),
      cuda: error(
        'ERR_CUDA_DRIVER',
        'cudaGetDeviceCount: system has unsupported display driver / cuda driver combination',
      ),
      [TRT10]: noDriver,
      [TRT11]: noDriver,
    },
  }),
  situation('driver of CUDA 11', {
    files: { ...COMPLETE, ...driver('470.256.02') },
    answers: {
      nvml: nvml({ driverVersion: '470.256.02', cudaVersion: 11040 }),
      cuda: error(
        'ERR_CUDA_DRIVER',
        'The NVIDIA driver serves CUDA 11.4; libcudart.so.13 needs one for CUDA 13.0',
      ),
      [TRT10]: noDriver,
      [TRT11]: noDriver,
    },
  }),
  situation('driver of CUDA 12, libraries of 13', {
    files: { ...COMPLETE, ...driver('550.163.01') },
    answers: {
      nvml: nvml({ driverVersion: '550.163.01', cudaVersion: 12040 }),
      cuda: error(
        'ERR_CUDA_DRIVER',
        'The NVIDIA driver serves CUDA 12.4; libcudart.so.13 needs one for CUDA 13.0',
      ),
      [TRT10]: noDriver,
      [TRT11]: noDriver,
    },
  }),
  situation('container without --gpus', {
    files: { ...COMPLETE, ...CONTAINER },
    without: ['/dev/', 'libcuda.so.1', 'libnvidia-ml'],
    answers: { nvml: noNvml, cuda: noDriver, [TRT10]: noDriver, [TRT11]: noDriver },
  }),
  situation('container without the compute capability', {
    files: { ...COMPLETE, ...CONTAINER },
    without: ['libcuda.so.1'],
    answers: { cuda: noDriver, [TRT10]: noDriver, [TRT11]: noDriver },
  }),
  situation('device files of another group', {
    files: {
      ...COMPLETE,
      '/dev/nvidia0': { mode: 0o660, groupId: 44, closed: true },
      '/etc/group': 'root:x:0:\nvideo:x:44:\n',
    },
    answers: { cuda: noDevice, [TRT10]: noDevice, [TRT11]: noDevice },
  }),
  situation('CUDA_VISIBLE_DEVICES=-1', {
    env: { ...ACTIVE, CUDA_VISIBLE_DEVICES: '-1' },
    answers: { cuda: noDevice, [TRT10]: noDevice, [TRT11]: noDevice },
  }),
  situation('driver only', {
    files: { ...LINUX, ...card('nvidia'), ...driver('580.95.05'), ...DEVICES },
    answers: NO_CUDA,
  }),
  situation('driver 525 only', {
    files: { ...LINUX, ...card('nvidia'), ...driver('525.147.05'), ...DEVICES },
    answers: { ...NO_CUDA, nvml: nvml({ driverVersion: '525.147.05', cudaVersion: 12000 }) },
  }),
  situation('TensorRT in the user’s own Python', {
    files: {
      ...LINUX,
      ...card('nvidia'),
      ...driver('580.95.05'),
      ...DEVICES,
      '/home/me/.local/lib/python3.12/site-packages/tensorrt_libs/libnvinfer.so.10': '',
      '/home/me/.local/lib/python3.12/site-packages/nvidia/cu13/lib/libcudart.so.13': '',
    },
    env: {},
    answers: NO_CUDA,
  }),
  situation('TensorRT missing', { without: ['tensorrt'], answers: { [TRT10]: noTensorrt } }),
  situation('TensorRT 8', {
    without: ['tensorrt'],
    files: { ...COMPLETE, '/usr/lib/x86_64-linux-gnu/libnvinfer.so.8': '' },
    answers: { [TRT10]: noTensorrt },
  }),
  situation('TensorRT 10.9', {
    files: {
      ...LINUX,
      ...card('nvidia'),
      ...driver('580.95.05'),
      ...DEVICES,
      ...RUNTIME,
      ...tensorrt(10, '10.9.0.34'),
    },
    answers: {
      [TRT10]: error(
        'ERR_TENSORRT_TOO_OLD',
        `${SITE}/tensorrt_libs/libnvinfer.so.10 is TensorRT 10.9.0, which is too old; 10.14.1 or a newer 10.x is needed`,
      ),
    },
  }),
  situation('TensorRT 10.9, no plug-in', {
    files: {
      ...LINUX,
      ...card('nvidia'),
      ...driver('580.95.05'),
      ...DEVICES,
      ...RUNTIME,
      ...tensorrt(10, '10.9.0.34'),
    },
    plugins: [],
  }),
  situation('TensorRT 11, plug-in for 10 alone', {
    files: {
      ...LINUX,
      ...card('nvidia'),
      ...driver('580.95.05'),
      ...DEVICES,
      ...RUNTIME,
      ...tensorrt(11, '11.1.0.106'),
    },
    plugins: [`/addon/${TRT10}`],
    answers: {
      [TRT10]: error('ERR_TENSORRT_MAJOR', 'libnvinfer.so.11 is of another major version of TensorRT'),
    },
  }),
  situation('parser missing', {
    files: { ...COMPLETE, '/usr/lib/x86_64-linux-gnu/libnvinfer.so.10': '' },
    without: ['tensorrt'],
    answers: { [TRT10]: error('ERR_TENSORRT_MISSING', 'The ONNX parser of libnvinfer.so.10 was not found') },
  }),
  situation('package without GPU plug-ins', { plugins: [] }),
  situation('CUDA runtime crashes', { answers: { cuda: crash, [TRT10]: crash, [TRT11]: crash } }),
  situation('CUDA runtime hangs', { answers: { cuda: hang, [TRT10]: hang, [TRT11]: hang } }),
  situation('CUDA runtime answers nonsense', {
    answers: { cuda: { kind: 'nonsense', what: 'CUDA runtime version -559038737' } },
  }),
  situation('TensorRT crashes', { answers: { [TRT10]: crash } }),
  situation('NVML crashes, CUDA works', { answers: { nvml: crash } }),
  situation('Pascal and Ada', {
    answers: {
      cuda: cuda({
        devices: [
          gpu({ name: 'NVIDIA GeForce GTX 1080', computeCapability: [6, 1] }),
          gpu({ index: 1, pciBusId: '0000:02:00.0' }),
        ],
      }),
    },
  }),
  situation('memory of the card full', {
    files: { ...COMPLETE, '/proc/4242/comm': 'python3\n' },
    answers: {
      cuda: cuda({ free: 0.2 * GIB }),
      nvml: nvml({
        processes: [
          { pid: 77, kind: 'graphics', usedBytes: null },
          { pid: 4242, kind: 'compute', usedBytes: 23 * GIB },
        ],
      }),
    },
  }),
  situation('memory of the card nearly full', { answers: { cuda: cuda({ free: 3 * GIB }) } }),
  situation('a GPU that is not there', { options: { device: 3 } }),
  situation('engine folder open to others', {
    files: { ...COMPLETE, '/home/me/.cache/latent-cache/engines': { kind: 'folder', mode: 0o777 } },
    options: { engineFolder: '/home/me/.cache/latent-cache/engines' },
  }),
  situation('disk full', {
    files: { ...COMPLETE, '/engines': { kind: 'folder', freeBytes: 1000 } },
    options: { engineFolder: '/engines' },
  }),
  situation('images on a read-only disk', {
    files: { ...COMPLETE, '/photos': { kind: 'folder', closed: true } },
    options: { outputFolders: ['/photos'] },
  }),
  situation('few open files', {
    files: {
      ...COMPLETE,
      '/proc/self/limits': 'Max processes 100000 100000 processes\nMax open files 256 4096 files\n',
    },
  }),
  situation('container with 1 GiB', {
    files: {
      ...LINUX,
      ...CONTAINER,
      '/proc/self/cgroup': '0::/\n',
      '/sys/fs/cgroup/memory.max': `${GIB}\n`,
      '/sys/fs/cgroup/memory.current': `${GIB / 2}\n`,
      '/sys/fs/cgroup/cpu.max': '200000 100000\n',
    },
    answers: NO_DRIVER,
  }),
  situation('sharp missing', { answers: { sharp: notInstalled } }),
  situation('addon missing', {
    answers: { addon: noAddon, nvml: noAddon, cuda: noAddon },
    plugins: [],
    onednn: false,
  }),
  situation('Node.js 18', { nodeVersion: '18.20.4' }),
];
