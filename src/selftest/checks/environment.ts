/** What is tested, and with what: for whoever reads the report. */
import { cpus, release, totalmem } from 'node:os';
import { usableProcessors } from '../../encoder/processors.js';
import type { NativeBinding, NvmlDevice } from '../../native/binding.js';
import { PACKAGE_VERSION } from '../../package-version.js';
import type { Checklist } from '../checklist.js';
import { withoutPaths } from '../private-text.js';
import type { Figures } from '../report.js';
import type { Target } from '../target.js';

export function describeMachine({ instructionSet }: Pick<NativeBinding, 'instructionSet'>): Figures {
  return {
    package: PACKAGE_VERSION,
    node: process.versions.node,
    system: `${process.platform} ${process.arch} ${release()}`,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    processors: usableProcessors(),
    instructionSet: instructionSet(),
    memoryBytes: totalmem(),
  };
}

/** @returns what is known of the device; undefined when it is not there */
export async function checkDevice(list: Checklist, target: Target): Promise<Figures | undefined> {
  let found: Figures | undefined;
  await list.run('device', `${target.name} is there`, async () => {
    found = await describeDevice(target);
    const { freeBytes } = found;
    return freeBytes === undefined ? {} : { freeBytes };
  });
  return found;
}

async function describeDevice(target: Target): Promise<Figures> {
  const { kind, binding, libraryFolders, readMemory } = target;
  const memory = await readMemory?.();
  const figures: Figures = memory === undefined ? {} : { freeBytes: memory.free, totalBytes: memory.total };
  if (kind !== 'gpu') return figures;
  const { devices, driverVersion, runtimeVersion } = await binding.cudaStatus({ libraryFolders });
  const index = Number(target.name.slice('cuda:'.length));
  const device = devices.find((each) => each.index === index);
  if (device === undefined) return figures; // opening it says what there is instead
  return {
    gpu: device.name,
    computeCapability: device.computeCapability.join('.'),
    multiprocessors: device.multiprocessors,
    ...figures,
    cudaDriver: cudaVersion(driverVersion),
    cudaRuntime: cudaVersion(runtimeVersion),
    ...(await describeCard(target, device.pciBusId)),
  };
}

/** From NVML, which no result depends on. */
async function describeCard({ binding, libraryFolders }: Target, pciBusId: string): Promise<Figures> {
  try {
    const { driverVersion, devices } = await binding.nvmlStatus({ libraryFolders });
    const card = devices.find((each) => each.pciBusId.toLowerCase() === pciBusId.toLowerCase());
    return {
      ...known('driver', driverVersion),
      ...(card === undefined ? {} : describeNvml(card)),
    };
  } catch (error) {
    return { nvml: withoutPaths(error instanceof Error ? error.message : String(error)) };
  }
}

function describeNvml(card: NvmlDevice): Figures {
  const { pcieGeneration, pcieGenerationMax, pcieWidth, throttleReasons, processes } = card;
  const link = pcieGeneration === null || pcieWidth === null ? null : `${pcieGeneration} x${pcieWidth}`;
  const watts = (milliwatts: number | null) => (milliwatts === null ? null : Math.round(milliwatts / 1000));
  return {
    ...known('pcieGenerationNow', link),
    ...known('pcieGenerationMax', pcieGenerationMax),
    ...known('powerLimitWatts', watts(card.powerLimitMilliwatts)),
    ...known('temperatureCelsius', card.temperatureCelsius),
    ...known('smClockMhz', card.smClockMhz),
    ...known('smClockMaxMhz', card.smClockMaxMhz),
    ...known('throttled', throttleReasons === null ? null : throttleReasons.join(' ') || 'no'),
    ...known('ecc', card.eccEnabled),
    ...known('mig', card.migEnabled),
    ...known('displayActive', card.displayActive),
    ...known('programsOnCard', processes === null ? null : processes.length),
    ...known('nvmlUsedBytes', card.usedBytes),
    ...known('nvmlReservedBytes', card.reservedBytes),
  };
}

function known(name: string, value: number | string | boolean | null): Figures {
  return value === null ? {} : { [name]: value };
}

/** 13000 is 13.0 */
function cudaVersion(number: number): string {
  return `${Math.floor(number / 1000)}.${Math.floor((number % 1000) / 10)}`;
}
