/** The card, its driver, and the way to it. */
import { driverRemedy } from '../distribution.js';
import { describeAccident, isAccident, outputOf } from '../probe-messages.js';
import type { CheckResult, Remedy } from '../report.js';
import { isMismatch, type Survey, servedByMessage, WSL_DRIVER } from '../survey.js';
import { driverBranch } from '../system.js';
import { type Check, NO_CARD, result, skipWithout } from './check.js';

/** The oldest branch that serves CUDA 12 (NVIDIA, "CUDA Compatibility", minor version compatibility). */
const OLDEST_BRANCH = 525;
const WSL_DEVICE = '/dev/dxg';

export const checkCard: Check = ({ system: { cards, isWsl }, hasCard, machine }) => {
  if (cards.length > 0) {
    const names = cards.map(
      ({ address, kernelModule }) => `${address} (${kernelModule ?? 'no'} kernel module)`,
    );
    return result('card', 'ok', `NVIDIA card at ${names.join(', ')}`);
  }
  if (hasCard) return result('card', 'ok', 'there is an NVIDIA card');
  const details =
    isWsl && machine.look(WSL_DEVICE) !== undefined
      ? ["if Windows has one, it lacks NVIDIA's driver: install that on Windows, not in WSL"]
      : [];
  return result('card', 'missing', 'there is no NVIDIA card to be seen; images are encoded on the CPU', {
    details,
  });
};

export const checkDriver: Check = (survey) => {
  const { nvml, system, hasCard, machine } = survey;
  const works = seenByCuda(survey);
  if (isAccident(nvml)) {
    return result(
      'driver',
      works ? 'warning' : 'failed',
      `the driver's management library ${describeAccident(nvml)}`,
      {
        details: outputOf(nvml),
        remedy: {
          text: 'Restart the machine; if it stays so, install the driver again. The kernel may say why:',
          command: "sudo dmesg | grep -iE 'nvrm|xid'",
        },
      },
    );
  }
  const notTold = nvml.kind === 'error' ? [nvml.error.message] : [];
  if (works) return result('driver', 'ok', describeDriver(survey), { details: notTold });
  if (!hasCard) return result('driver', 'skipped', NO_CARD);
  if (system.isWsl) {
    return machine.look(WSL_DRIVER) === undefined
      ? result('driver', 'missing', "NVIDIA's driver is not installed on Windows", {
          remedy: driverRemedy('Install', system),
        })
      : result('driver', 'ok', describeDriver(survey), { details: notTold });
  }
  return (
    notLoaded(survey) ??
    mismatch(survey) ??
    tooOld(survey) ??
    result('driver', 'ok', describeDriver(survey), { details: notTold })
  );
};

function notLoaded({ system, libraries, nvml, cuda }: Survey): CheckResult | undefined {
  if (system.driverVersion !== null || nvml.kind === 'answer') return undefined;
  if (nvml.kind === 'error' && isMismatch(nvml.error.message)) return undefined;
  if (servedByMessage(cuda) !== null) return undefined;
  const modules = system.cards.map(({ kernelModule }) => kernelModule);
  if (modules.includes('vfio-pci')) {
    return result('driver', 'failed', 'the card is kept for a virtual machine (vfio-pci)', {
      remedy: { text: 'Give the card back to this system: bind it to the nvidia driver.' },
    });
  }
  const [installed] = libraries.find(/libcuda\.so\.1/);
  if (installed !== undefined && !system.isContainer) {
    return result('driver', 'failed', 'the driver is installed, but its kernel module is not loaded', {
      details: [
        `found ${installed.path}`,
        ...(modules.includes('nouveau') ? ['nouveau drives the card'] : []),
      ],
      remedy: {
        text: modules.includes('nouveau')
          ? 'Restart the machine, so that the nvidia module takes the card from nouveau.'
          : 'Load it. If that fails, it was not built for this kernel (install its headers), or Secure Boot refuses it.',
        command: modules.includes('nouveau') ? 'sudo reboot' : 'sudo modprobe nvidia',
      },
    });
  }
  const instead = modules.includes('nouveau') ? '; nouveau drives the card, and knows no CUDA' : '';
  return result(
    'driver',
    'missing',
    `NVIDIA's driver is not ${system.isContainer ? 'loaded on the host' : 'installed'}${instead}`,
    {
      remedy: driverRemedy('Install', system),
    },
  );
}

/** After an update, the libraries of the new driver meet the kernel module of the old one. */
function mismatch({ system, libraries, nvml }: Survey): CheckResult | undefined {
  const library = libraries.find(/libnvidia-ml\.so\.1/)[0]?.version;
  const isOther =
    library !== undefined &&
    library !== null &&
    driverBranch(library) > 1 &&
    library !== system.driverVersion;
  const isTold = nvml.kind === 'error' && isMismatch(nvml.error.message);
  if (!isOther && !isTold) return undefined;
  const remedy: Remedy = system.isContainer
    ? { text: 'Restart the host or, if its driver was updated since, this container.' }
    : { text: 'The driver was updated since the machine started: restart it.', command: 'sudo reboot' };
  const summary = `the kernel module is ${system.driverVersion ?? 'of one version'}, the driver's libraries are ${isOther ? library : 'of another version'}`;
  return result('driver', 'failed', summary, { remedy });
}

function tooOld({ system, nvml }: Survey): CheckResult | undefined {
  const version = (nvml.kind === 'answer' ? nvml.value.driverVersion : null) ?? system.driverVersion;
  if (version === null || driverBranch(version) >= OLDEST_BRANCH) return undefined;
  return result(
    'driver',
    'failed',
    `driver ${version} is too old: ${OLDEST_BRANCH} is the first that serves CUDA 12`,
    {
      remedy: driverRemedy('Update', system),
    },
  );
}

export function seenByCuda({ cuda }: Pick<Survey, 'cuda'>): boolean {
  return cuda.kind === 'answer' && cuda.value.status.devices.length > 0;
}

function describeDriver(survey: Survey): string {
  const { nvml, system } = survey;
  const version = (nvml.kind === 'answer' ? nvml.value.driverVersion : null) ?? system.driverVersion;
  const serves = servedCuda(survey);
  return `NVIDIA's driver${version === null ? '' : ` ${version}`}${serves === null ? '' : `, serves CUDA ${serves.text}`}`;
}

export interface ServedCuda {
  readonly major: number;
  readonly text: string;
}

/** The newest CUDA that the driver serves: as libraries say, else by the driver's branch; null when nobody knows. */
export function servedCuda({ cuda, nvml, system }: Survey): ServedCuda | null {
  const told =
    (cuda.kind === 'answer' ? cuda.value.status.driverVersion : null) ??
    (nvml.kind === 'answer' ? nvml.value.cudaVersion : null) ??
    servedByMessage(cuda);
  if (told !== null) return { major: Math.floor(told / 1000), text: cudaText(told) };
  const version = (nvml.kind === 'answer' ? nvml.value.driverVersion : null) ?? system.driverVersion;
  if (version === null || driverBranch(version) < OLDEST_BRANCH) return null;
  const major = driverBranch(version) >= FIRST_BRANCH_OF_CUDA_13 ? 13 : 12;
  return { major, text: String(major) };
}

const FIRST_BRANCH_OF_CUDA_13 = 580;

/** '13.0' of 13000 */
export function cudaText(version: number): string {
  return `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`;
}

export const checkDeviceFiles: Check = (survey, done) => {
  if (seenByCuda(survey)) return result('device-files', 'ok', "the card's device files open");
  return skipWithout('device-files', survey, done, 'driver') ?? judgeDeviceFiles(survey);
};

function judgeDeviceFiles({ machine, system }: Survey): CheckResult {
  const cards = machine.list('/dev').filter((name) => /^nvidia\d+$/.test(name));
  const needed = system.isWsl
    ? [WSL_DEVICE]
    : [
        '/dev/nvidiactl',
        '/dev/nvidia-uvm',
        ...(cards.length === 0 ? ['/dev/nvidia0'] : cards.map((name) => `/dev/${name}`)),
      ];
  const absent = needed.filter((file) => machine.look(file) === undefined);
  if (absent.length > 0) {
    return result(
      'device-files',
      'missing',
      `${absent.join(', ')} ${absent.length === 1 ? 'is' : 'are'} not there`,
      {
        remedy: absentRemedy(system),
      },
    );
  }
  const closed = needed.filter((file) => !machine.mayUse(file, 'read') || !machine.mayUse(file, 'write'));
  const [first] = closed;
  if (first === undefined) return result('device-files', 'ok', `${needed.join(', ')} can be opened`);
  const group = groupOf(machine.read('/etc/group') ?? '', machine.look(first)?.groupId);
  return result('device-files', 'failed', `${closed.join(', ')} may not be opened by this user`, {
    remedy:
      group === undefined || group === 'root'
        ? { text: 'Let users open the card.', command: `sudo chmod a+rw ${closed.join(' ')}` }
        : { text: 'Join their group, then log in again.', command: `sudo usermod -aG ${group} "$USER"` },
  });
}

function absentRemedy({ isWsl, isContainer }: Survey['system']): Remedy {
  if (isWsl) return { text: 'Update WSL from Windows, then restart it.', command: 'wsl.exe --update' };
  if (isContainer) {
    return {
      text: 'Start the container with access to the GPU; the host needs the NVIDIA Container Toolkit for it (Podman: --device nvidia.com/gpu=all).',
      command: 'docker run --gpus all …',
    };
  }
  return { text: "Make them with the driver's own tool.", command: 'sudo nvidia-modprobe -c=0 -u' };
}

function groupOf(groups: string, id: number | undefined): string | undefined {
  return groups
    .split('\n')
    .map((line) => line.split(':'))
    .find(([, , number]) => id !== undefined && Number(number) === id)?.[0];
}

export const checkVisibleDevices: Check = (survey, done) => {
  const id = 'visible-devices';
  const visible = survey.machine.env.CUDA_VISIBLE_DEVICES;
  const show: Remedy = { text: 'Show the card to CUDA again.', command: 'unset CUDA_VISIBLE_DEVICES' };
  const skipped = skipWithout(id, survey, done);
  if (skipped !== undefined) return skipped;
  if (visible === undefined)
    return result(id, 'ok', 'CUDA_VISIBLE_DEVICES is not set: every card is visible');
  const given = `CUDA_VISIBLE_DEVICES=${visible}`;
  if (!seenByCuda(survey) && /^\s*(-1.*)?$/.test(visible)) {
    return result(id, 'failed', `${given} hides every card`, { remedy: show });
  }
  const { cuda } = survey;
  const isWrong = cuda.kind === 'error' && cuda.error.code === 'ERR_NO_DEVICE';
  if (isWrong && done.firstBroken('driver', 'device-files') === undefined) {
    return result(id, 'failed', `${given} names no card that is here`, { remedy: show });
  }
  return result(id, 'ok', given);
};
