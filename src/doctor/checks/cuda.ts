/** The CUDA runtime, the GPU that it shows, and that GPU's memory. */
import { GPU_MEMORY } from '../../encoder/memory-budget.js';
import { formatBytes } from '../../format-bytes.js';
import { driverRemedy } from '../distribution.js';
import { describeFile, type LibraryFile } from '../library-files.js';
import { describeAccident, isAccident, outputOf } from '../probe-messages.js';
import type { CheckResult, Remedy } from '../report.js';
import { type Survey, servedByMessage } from '../survey.js';
import { installTensorrt, nameFolders, reinstallCommand } from './advice.js';
import { type Check, NO_CARD, result, skipWithout } from './check.js';
import { cudaText, servedCuda } from './driver.js';

const RUNTIME = /libcudart\.so\.1[23]/;

export const checkCudaRuntime: Check = (survey, done) => {
  const id = 'cuda-runtime';
  const { cuda, libraries, hasCard, system } = survey;
  const found = libraries.find(RUNTIME);
  const where = found.map((file) => `found ${describeFile(file)}`);
  if (isAccident(cuda)) {
    return result(id, 'failed', `the CUDA runtime ${describeAccident(cuda)}`, {
      details: [...outputOf(cuda), ...where],
      remedy: cuda.kind === 'hang' ? ANSWERLESS : replaceRuntime(found, survey),
    });
  }
  if (cuda.kind === 'answer') {
    const { runtimePath, runtimeVersion, driverVersion } = cuda.value.status;
    const source = found.find(({ path }) => path === runtimePath)?.source;
    const from = source === undefined ? '' : ` (${source})`;
    return result(
      id,
      'ok',
      `CUDA ${cudaText(runtimeVersion)} from ${runtimePath}${from}; the driver serves CUDA ${cudaText(driverVersion)}`,
    );
  }
  if (!hasCard) return result(id, 'skipped', NO_CARD);
  const { code, message } = cuda.error;
  if (found.length === 0 && ['ERR_CUDA_MISSING', 'ERR_ADDON_MISSING'].includes(code)) {
    return missing(survey);
  }
  if (code === 'ERR_CUDA_MISSING') {
    return result(id, 'failed', `the CUDA runtime does not load: ${message}`, {
      details: where,
      remedy: replaceRuntime(found, survey),
    });
  }
  if (
    code === 'ERR_CUDA_DRIVER' &&
    servedByMessage(cuda) !== null &&
    done.firstBroken('driver') === undefined
  ) {
    const remedy = servedCuda(survey)?.major === 12 ? otherCuda(survey) : driverRemedy('Update', system);
    return result(id, 'failed', message, { details: where, remedy });
  }
  const broken = done.firstBroken('addon', 'driver', 'device-files');
  if (broken !== undefined) return result(id, 'skipped', `repair ${broken} first`, { details: where });
  if (code === 'ERR_CUDA_DRIVER') {
    const remedy = noDriverRemedy(survey) ?? driverRemedy('Update', system);
    return result(id, 'failed', message, { details: where, remedy });
  }
  if (code === 'ERR_NO_DEVICE') return result(id, 'ok', 'the CUDA runtime loads', { details: where });
  return result(id, 'failed', message, {
    details: where,
    remedy: system.isContainer
      ? { text: 'Restart the container; if that does not help, restart the host.' }
      : {
          text: "Load the driver's memory module again, which a suspended machine may need; if that does not help, restart.",
          command: 'sudo rmmod nvidia_uvm && sudo modprobe nvidia_uvm',
        },
  });
};

/** The wheels for CUDA 12 and 13 put their files into the same folder. */
function otherCuda(survey: Survey): Remedy {
  const { command = '' } = installTensorrt(survey);
  const names = ['tensorrt', ...['', '-libs', '-bindings'].map((part) => `tensorrt-cu13${part}`)];
  return {
    text: 'Take TensorRT for CUDA 12 instead, or update the driver to 580 or newer.',
    command: `pip uninstall -y ${names.join(' ')} && ${command}`,
  };
}

/** In a container that was given the card without the driver's CUDA library. */
function noDriverRemedy({ libraries, system, cuda }: Survey): Remedy | undefined {
  const isGone = cuda.kind === 'error' && cuda.error.message.includes('No NVIDIA driver');
  if (!isGone || libraries.find(/libcuda\.so\.1/).length > 0) return undefined;
  return system.isContainer
    ? {
        text: "Start the container with the driver's CUDA library.",
        command: 'docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=compute,utility …',
      }
    : {
        ...driverRemedy('Install', system),
        text: 'libcuda.so.1, a part of the driver, is missing: install all of it.',
      };
}

function missing(survey: Survey): CheckResult {
  const { libraries } = survey;
  const stray = libraries.strayWheels();
  return result('cuda-runtime', 'missing', 'the CUDA runtime (libcudart.so.13 or .12) was not found', {
    details: [...libraries.describeSearch(), ...stray.map((folder) => `not searched, but has it: ${folder}`)],
    remedy: stray.length > 0 ? nameFolders(stray) : installTensorrt(survey),
  });
}

function replaceRuntime([first]: readonly LibraryFile[], survey: Survey): Remedy {
  const isOfPip = first?.path.includes('/site-packages/') === true;
  const text = 'The file may be damaged or of another kind, or the driver is.';
  return isOfPip
    ? {
        text: `${text} Install it again; if it stays so, install the driver again.`,
        command: reinstallCommand(survey),
      }
    : { text: `${text} Remove it, or name the folder of another one with --library-dir.` };
}

/** Also a server with many cards at rest is slow. */
const ANSWERLESS: Remedy = {
  text: 'Give it longer with --limit 120. If that does not help, restart the machine; the kernel may say why:',
  command: "sudo dmesg | grep -iE 'nvrm|xid'",
};

/** TensorRT 10.5 dropped Volta (7.0), the last before Turing. */
const OLDEST_CAPABILITY = 7.5;

export const checkGpu: Check = (survey, done) => {
  const skipped = skipWithout(
    'gpu',
    survey,
    done,
    'addon',
    'driver',
    'device-files',
    'visible-devices',
    'cuda-runtime',
  );
  if (skipped !== undefined) return skipped;
  const {
    cuda,
    question: { device: asked },
  } = survey;
  if (cuda.kind !== 'answer') {
    const message = cuda.kind === 'error' ? cuda.error.message : describeAccident(cuda);
    return result('gpu', 'failed', message, {
      remedy: { text: 'See whether the driver itself lists the card.', command: 'nvidia-smi' },
    });
  }
  const { devices } = cuda.value.status;
  const details = devices.map(
    ({ index, name, pciBusId, computeCapability, totalBytes }) =>
      `cuda:${index} is ${name} at ${pciBusId}, compute capability ${computeCapability.join('.')}, ${formatBytes(totalBytes)}`,
  );
  const device = devices.find(({ index }) => index === asked);
  const other = devices.find((candidate) => capabilityOf(candidate) >= OLDEST_CAPABILITY);
  if (device === undefined) {
    return result('gpu', 'missing', `there is no GPU ${asked}`, { details, remedy: take(other) });
  }
  if (capabilityOf(device) < OLDEST_CAPABILITY) {
    const summary = `${device.name} has compute capability ${device.computeCapability.join('.')}; TensorRT 10.14 and 11 need ${OLDEST_CAPABILITY} (Turing) or newer`;
    return result('gpu', 'failed', summary, { details, remedy: take(other) });
  }
  return result('gpu', 'ok', `${device.name} (cuda:${asked})`, { details });
};

function capabilityOf({
  computeCapability: [major, minor],
}: {
  computeCapability: readonly [number, number];
}): number {
  return major + minor / 10;
}

function take(other: { readonly index: number; readonly name: string } | undefined): Remedy {
  return other === undefined
    ? { text: 'Encode on the CPU: give --backend cpu.' }
    : { text: `Take ${other.name}: give --device ${other.index}.` };
}

/** Below this part of the whole card, batches become small. */
const LITTLE = 0.2;

export const checkVram: Check = (survey, done) => {
  const id = 'vram';
  const skipped = skipWithout(id, survey, done, 'driver', 'device-files');
  if (skipped !== undefined) return skipped;
  const { cuda } = survey;
  const holders = describeHolders(survey);
  const close: Remedy = { text: 'Close what else uses the card, or choose another one with --device.' };
  if (cuda.kind === 'answer' && cuda.value.memoryError !== null) {
    return result(id, 'failed', `its memory cannot be used: ${cuda.value.memoryError.message}`, {
      details: holders,
      remedy: close,
    });
  }
  if (cuda.kind === 'answer' && !hasDevice(survey)) return result(id, 'skipped', 'repair gpu first');
  const memory = cuda.kind === 'answer' ? cuda.value.memory : nvmlMemory(survey);
  if (memory === null) return result(id, 'skipped', 'nothing tells how much memory the card has');
  const { free, total } = memory;
  const summary = `${formatBytes(free)} of ${formatBytes(total)} free`;
  const usable = Math.floor(free * GPU_MEMORY.freePart) - GPU_MEMORY.reserveBytes;
  if (usable <= 0) {
    return result(id, 'failed', `${summary}: nothing can be encoded with that`, {
      details: holders,
      remedy: close,
    });
  }
  if (free < total * LITTLE) {
    return result(id, 'warning', `${summary}: batches will be small`, { details: holders, remedy: close });
  }
  return result(id, 'ok', summary, { details: holders });
};

function hasDevice({ cuda, question: { device } }: Survey): boolean {
  return cuda.kind === 'answer' && cuda.value.status.devices.some(({ index }) => index === device);
}

function nvmlDevice({ nvml, cuda, question: { device } }: Survey) {
  if (nvml.kind !== 'answer') return undefined;
  const { devices } = nvml.value;
  if (cuda.kind !== 'answer') return devices.find(({ index }) => index === device);
  const bus = cuda.value.status.devices.find(({ index }) => index === device)?.pciBusId.toLowerCase();
  return devices.find(({ pciBusId }) => pciBusId.toLowerCase() === bus);
}

function nvmlMemory(survey: Survey): { free: number; total: number } | null {
  const { freeBytes = null, totalBytes = null } = nvmlDevice(survey) ?? {};
  return freeBytes === null || totalBytes === null ? null : { free: freeBytes, total: totalBytes };
}

/** The largest first. A process of another container or user may have no name here. */
function describeHolders(survey: Survey): string[] {
  const processes = [...(nvmlDevice(survey)?.processes ?? [])];
  processes.sort((a, b) => (b.usedBytes ?? 0) - (a.usedBytes ?? 0));
  return processes.map(({ pid, kind, usedBytes }) => {
    const name = survey.machine.read(`/proc/${pid}/comm`)?.trim() ?? 'a process';
    const bytes = usedBytes === null ? 'an unknown part' : formatBytes(usedBytes);
    return `held by ${name} (${pid}, ${kind}): ${bytes}`;
  });
}
