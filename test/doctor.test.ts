/** `doctor` on the machines of scripts/verify/doctor/situations.mjs, which `npm run verify:doctor` prints. */
import { describe, expect, it } from 'vitest';
import { doctorExitCode, doctorText } from '#dist/cli/doctor-command.js';
import { LibraryFiles } from '#dist/doctor/library-files.js';
import { CHECK_IDS, type CheckId, type CheckStatus, type DoctorReport } from '#dist/doctor/report.js';
import { runDoctor } from '#dist/doctor/run-doctor.js';
import { BUILD_COMMAND } from '#dist/native/load.js';
import { fakeMachine } from '../scripts/verify/doctor/fake-machine.mjs';
import { SITUATIONS } from '../scripts/verify/doctor/situations.mjs';

async function examine(name: string): Promise<DoctorReport> {
  const situation = SITUATIONS.find((candidate) => candidate.name === name);
  if (situation === undefined) throw new Error(`no situation ${name}`);
  return runDoctor(situation.options, situation.seams);
}

interface Expected {
  readonly exit: number;
  readonly verdict: RegExp;
  /** What is not well, and how; everything else is ok or skipped. */
  readonly found: Partial<Record<CheckId, CheckStatus>>;
  /** In this order; commands where there is one, else a part of the text. */
  readonly advice: readonly string[];
}

const NO_CARD = { card: 'missing' } as const;
const PIP = 'pip install "tensorrt-cu13>=10.14"';
const NOTHING = { 'cuda-runtime': 'missing', tensorrt: 'missing' } as const;

const TABLE: Readonly<Record<string, Expected>> = {
  'everything is there': { exit: 0, verdict: /^TensorRT on cuda:0 .*RTX 4090.* fp16/, found: {}, advice: [] },
  'no card, oneDNN': {
    exit: 0,
    verdict: /^The CPU \(oneDNN, bf16x3\).*no NVIDIA card/,
    found: NO_CARD,
    advice: [],
  },
  'no card, only onnxruntime': {
    exit: 0,
    verdict: /^The CPU \(onnxruntime, fp32\)/,
    found: { ...NO_CARD, 'cpu-backend': 'warning' },
    advice: [],
  },
  'no card, no back-end at all': {
    exit: 4,
    verdict: /^Nothing can be encoded/,
    found: { ...NO_CARD, 'cpu-backend': 'missing' },
    advice: [`sudo apt install libdnnl-dev && ${BUILD_COMMAND}`],
  },
  'Ubuntu without a driver': {
    exit: 3,
    verdict: /^The CPU .*driver is not installed; nouveau/,
    found: { driver: 'missing', ...NOTHING },
    advice: ['sudo apt install ubuntu-drivers-common && sudo ubuntu-drivers install', PIP],
  },
  'Debian without a driver': {
    exit: 3,
    verdict: /driver is not installed/,
    found: { driver: 'missing', ...NOTHING },
    advice: ['sudo apt install linux-headers-amd64 nvidia-driver', PIP],
  },
  'Fedora without a driver': {
    exit: 3,
    verdict: /driver is not installed/,
    found: { driver: 'missing', ...NOTHING },
    advice: ['sudo dnf install akmod-nvidia xorg-x11-drv-nvidia-cuda', PIP],
  },
  'Arch without a driver': {
    exit: 3,
    verdict: /driver is not installed/,
    found: { driver: 'missing', ...NOTHING },
    advice: ['sudo pacman -S --needed nvidia-open nvidia-utils', PIP],
  },
  'WSL, no driver on Windows': { exit: 0, verdict: /^The CPU/, found: NO_CARD, advice: [] },
  'WSL, TensorRT missing': {
    exit: 3,
    verdict: /TensorRT \(libnvinfer\) was not found/,
    found: { tensorrt: 'missing' },
    advice: [PIP],
  },
  'kernel module not loaded': {
    exit: 3,
    verdict: /kernel module is not loaded/,
    found: { driver: 'failed' },
    advice: ['sudo modprobe nvidia'],
  },
  'driver updated, not restarted': {
    exit: 3,
    verdict: /kernel module is 580\.95\.05, the driver's libraries are 580\.105\.08/,
    found: { driver: 'failed' },
    advice: ['sudo reboot'],
  },
  'driver of CUDA 11': {
    exit: 3,
    verdict: /470\.256\.02 is too old: 525/,
    found: { driver: 'failed' },
    advice: ['sudo apt install ubuntu-drivers-common && sudo ubuntu-drivers install'],
  },
  'driver of CUDA 12, libraries of 13': {
    exit: 3,
    verdict: /serves CUDA 12\.4/,
    found: { 'cuda-runtime': 'failed' },
    advice: [
      'pip uninstall -y tensorrt tensorrt-cu13 tensorrt-cu13-libs tensorrt-cu13-bindings && pip install "tensorrt-cu12>=10.14"',
    ],
  },
  'container without --gpus': {
    exit: 3,
    verdict: /nvidia0 are not there/,
    found: { 'device-files': 'missing' },
    advice: ['docker run --gpus all …'],
  },
  'container without the compute capability': {
    exit: 3,
    verdict: /No NVIDIA driver was found/,
    found: { 'cuda-runtime': 'failed' },
    advice: ['docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=compute,utility …'],
  },
  'device files of another group': {
    exit: 3,
    verdict: /nvidia0 may not be opened/,
    found: { 'device-files': 'failed' },
    advice: ['sudo usermod -aG video "$USER"'],
  },
  'CUDA_VISIBLE_DEVICES=-1': {
    exit: 3,
    verdict: /hides every card/,
    found: { 'visible-devices': 'failed' },
    advice: ['unset CUDA_VISIBLE_DEVICES'],
  },
  'driver only': { exit: 3, verdict: /CUDA runtime/, found: NOTHING, advice: [PIP] },
  'driver 525 only': {
    exit: 3,
    verdict: /CUDA runtime/,
    found: NOTHING,
    advice: ['pip install "tensorrt-cu12>=10.14,<11"'],
  },
  'TensorRT in the user’s own Python': {
    exit: 3,
    verdict: /CUDA runtime/,
    found: NOTHING,
    advice: [
      'export LATENT_CACHE_LIBRARY_DIR=/home/me/.local/lib/python3.12/site-packages/tensorrt_libs:/home/me/.local/lib/python3.12/site-packages/nvidia/cu13/lib',
    ],
  },
  'TensorRT missing': { exit: 3, verdict: /TensorRT/, found: { tensorrt: 'missing' }, advice: [PIP] },
  'TensorRT 8': {
    exit: 3,
    verdict: /TensorRT 8 is here; 10\.14 or newer is needed/,
    found: { tensorrt: 'failed' },
    advice: ['pip install --upgrade "tensorrt-cu13>=10.14"'],
  },
  'TensorRT 10.9': {
    exit: 3,
    verdict: /TensorRT 10\.9\.0, which is too old; 10\.14\.1 or a newer 10\.x/,
    found: { tensorrt: 'failed' },
    advice: ['pip install --upgrade "tensorrt-cu13>=10.14"'],
  },
  'TensorRT 10.9, no plug-in': {
    exit: 3,
    verdict: /built without a plug-in/,
    found: { plugins: 'missing', tensorrt: 'failed' },
    advice: [`TENSORRT_ROOT=<folder> ${BUILD_COMMAND}`, 'pip install --upgrade "tensorrt-cu13>=10.14"'],
  },
  'TensorRT 11, plug-in for 10 alone': {
    exit: 3,
    verdict: /TensorRT 11 is here; 10\.14 or newer \(10\.x\) is needed/,
    found: { tensorrt: 'failed' },
    advice: ['pip install --upgrade "tensorrt-cu13>=10.14,<11"'],
  },
  'parser missing': {
    exit: 3,
    verdict: /parser \(libnvonnxparser\.so\.10\) is not/,
    found: { tensorrt: 'failed' },
    advice: ['sudo apt install libnvonnxparsers10'],
  },
  'package without GPU plug-ins': {
    exit: 3,
    verdict: /built without a plug-in/,
    found: { plugins: 'missing' },
    advice: [`TENSORRT_ROOT=<folder> ${BUILD_COMMAND}`],
  },
  'CUDA runtime crashes': {
    exit: 3,
    verdict: /^Without --backend, a build would stop: .*SIGSEGV.*--backend cpu/,
    found: { 'cuda-runtime': 'failed' },
    advice: ['pip install --force-reinstall "tensorrt-cu13>=10.14"'],
  },
  'CUDA runtime hangs': {
    exit: 3,
    verdict: /would stop: .*did not answer within 30 s/,
    found: { 'cuda-runtime': 'failed' },
    advice: ["sudo dmesg | grep -iE 'nvrm|xid'"],
  },
  'CUDA runtime answers nonsense': {
    exit: 3,
    verdict: /would stop: .*nonsense: CUDA runtime version -559038737/,
    found: { 'cuda-runtime': 'failed' },
    advice: ['pip install --force-reinstall "tensorrt-cu13>=10.14"'],
  },
  'TensorRT crashes': {
    exit: 3,
    verdict: /would stop: TensorRT, opened by liblatent_cache_trt10\.so, crashed/,
    found: { tensorrt: 'failed' },
    advice: ['pip install --force-reinstall "tensorrt-cu13>=10.14"'],
  },
  'NVML crashes, CUDA works': {
    exit: 0,
    verdict: /^TensorRT on cuda:0/,
    found: { driver: 'warning' },
    advice: [],
  },
  'Pascal and Ada': {
    exit: 3,
    verdict: /would stop: .*GTX 1080 has compute capability 6\.1/,
    found: { gpu: 'failed' },
    advice: ['give --device 1'],
  },
  'memory of the card full': {
    exit: 3,
    verdict: /would stop: 205 MiB of 24 GiB free/,
    found: { vram: 'failed' },
    advice: ['Close what else uses the card'],
  },
  'memory of the card nearly full': {
    exit: 0,
    verdict: /^TensorRT on cuda:0/,
    found: { vram: 'warning' },
    advice: [],
  },
  'a GPU that is not there': {
    exit: 3,
    verdict: /there is no GPU 3/,
    found: { gpu: 'missing' },
    advice: ['give --device 0'],
  },
  'engine folder open to others': {
    exit: 3,
    verdict: /would stop: .*can be written by other users/,
    found: { 'engine-folder': 'failed' },
    advice: ["chmod go-w '/home/me/.cache/latent-cache/engines'"],
  },
  'disk full': {
    exit: 3,
    verdict: /would stop: \/engines: only 1000 B free/,
    found: { 'engine-folder': 'failed' },
    advice: ['latent-cache engines clear'],
  },
  'images on a read-only disk': {
    exit: 2,
    verdict: /^TensorRT on cuda:0/,
    found: { 'output-folders': 'failed' },
    advice: ["chmod u+rwx '/photos'"],
  },
  'few open files': { exit: 0, verdict: /^TensorRT on cuda:0/, found: { limits: 'warning' }, advice: [] },
  'container with 1 GiB': {
    exit: 0,
    verdict: /^The CPU/,
    found: { ...NO_CARD, memory: 'warning' },
    advice: [],
  },
  'sharp missing': {
    exit: 4,
    verdict: /^Nothing can be encoded: sharp is not installed/,
    found: { packages: 'missing' },
    advice: ['npm install --include=optional sharp'],
  },
  'addon missing': {
    exit: 4,
    verdict: /^Nothing can be encoded: The native addon/,
    found: { addon: 'failed', plugins: 'missing' },
    advice: [BUILD_COMMAND, `TENSORRT_ROOT=<folder> ${BUILD_COMMAND}`],
  },
  'Node.js 18': {
    exit: 4,
    verdict: /^Nothing can be encoded: Node\.js 18\.20\.4/,
    found: { node: 'failed' },
    advice: ['nvm install 22'],
  },
};

describe('on a machine where', () => {
  it.each(
    Object.keys(TABLE),
  )('%s, doctor finds that, says how to repair it, and ends as it should', async (name) => {
    const { exit, verdict, found, advice } = TABLE[name]!;
    const report = await examine(name);
    const notWell = report.checks.filter(({ status }) => status !== 'ok' && status !== 'skipped');
    expect(Object.fromEntries(notWell.map(({ id, status }) => [id, status]))).toEqual(found);
    expect(report.verdict.text).toMatch(verdict);
    expect(doctorExitCode(report)).toBe(exit);
    expect(report.verdict.fixes.length).toBe(advice.length);
    for (const [index, { text, command }] of report.verdict.fixes.entries()) {
      if (command === undefined) expect(text).toContain(advice[index]);
      else expect(command).toBe(advice[index]);
    }
  });
});

it('each machine of the table has its expectation', () => {
  expect(SITUATIONS.map(({ name }) => name)).toEqual(Object.keys(TABLE));
});

it('a report has every check, in the order of repair', async () => {
  const { schema, checks } = await examine('everything is there');
  expect(schema).toBe(1);
  expect(checks.map(({ id }) => id)).toEqual(CHECK_IDS);
});

it('names who holds the memory of the card, the largest first', async () => {
  const vram = (await examine('memory of the card full')).checks.find(({ id }) => id === 'vram');
  expect(vram?.details).toEqual([
    'held by python3 (4242, compute): 23 GiB',
    'held by a process (77, graphics): an unknown part',
  ]);
});

it('prints checks that were skipped for one reason on one line, and numbers the repairs', async () => {
  const text = doctorText(await examine('Ubuntu without a driver'));
  expect(text).toContain('-        gpu, vram: repair driver first');
  expect(text).toMatch(
    /To use the GPU, in this order:\n {2}1\. Install NVIDIA's driver\..*\n.*\n {2}2\. Install TensorRT/,
  );
});

describe('libraries', () => {
  const files = {
    '/named/libnvinfer.so.10': '',
    '/lib/ld/libnvinfer.so.10': '',
    '/cached/libnvinfer.so.11': { realPath: '/cached/libnvinfer.so.11.1.0' },
    '/etc/ld.so.cache':
      'glibc-ld.so.cache1.1\0\0libnvinfer.so.11\0/cached/libnvinfer.so.11\0libz.so.1\0/lib/libz.so.1\0',
  };

  it('are found where they are searched, with what led there', () => {
    const machine = fakeMachine({ files, env: { LD_LIBRARY_PATH: '/lib/ld' } });
    expect(new LibraryFiles(machine, ['/named']).find(/libnvinfer\.so\.\d+/)).toEqual([
      { name: 'libnvinfer.so.10', path: '/named/libnvinfer.so.10', source: '--library-dir', version: null },
      {
        name: 'libnvinfer.so.10',
        path: '/lib/ld/libnvinfer.so.10',
        source: 'LD_LIBRARY_PATH',
        version: null,
      },
      { name: 'libnvinfer.so.11', path: '/cached/libnvinfer.so.11', source: 'the loader', version: '11.1.0' },
    ]);
  });

  it('that are only similar are not taken', () => {
    const machine = fakeMachine({
      files: { '/named/libnvinfer.so.10.bak': '', '/named/libnvinfer_plugin.so.10': '' },
    });
    expect(new LibraryFiles(machine, ['/named']).find(/libnvinfer\.so\.\d+/)).toEqual([]);
  });
});

it.each([
  { device: -1 },
  { device: 0.5 },
  { limitSeconds: 0 },
  { limitSeconds: Number.NaN },
])('refuses %j', async (options) => {
  await expect(runDoctor(options)).rejects.toMatchObject({ code: 'ERR_OPTION' });
});
