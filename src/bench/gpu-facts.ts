import { createHash } from 'node:crypto';
import type { NvmlDevice } from '../native/binding.js';
import type { GpuFacts, Range } from './report.js';
import { rangeOf } from './statistics.js';

/** @param samples while images were encoded; at least one */
export function gpuFacts(samples: readonly NvmlDevice[]): GpuFacts {
  const last = samples.at(-1)!;
  const watts = (milliwatts: number | null) => (milliwatts === null ? null : milliwatts / 1000);
  const reasons = samples.map(({ throttleReasons }) => throttleReasons).filter((list) => list !== null);
  return {
    evidence: 'measured',
    name: last.name,
    uuidHash: last.uuid === null ? null : createHash('sha256').update(last.uuid).digest('hex'),
    totalBytes: last.totalBytes,
    pcieGeneration: highest(samples, ({ pcieGeneration }) => pcieGeneration),
    pcieWidth: highest(samples, ({ pcieWidth }) => pcieWidth),
    smClockMaxMhz: last.smClockMaxMhz,
    memoryClockMaxMhz: last.memoryClockMaxMhz,
    powerLimitWatts: watts(last.powerLimitMilliwatts),
    powerLimitDefaultWatts: watts(last.powerLimitDefaultMilliwatts),
    eccEnabled: last.eccEnabled,
    migEnabled: last.migEnabled,
    persistenceEnabled: last.persistenceEnabled,
    displayActive: last.displayActive,
    during: {
      samples: samples.length,
      smClockMhz: range(samples, ({ smClockMhz }) => smClockMhz),
      memoryClockMhz: range(samples, ({ memoryClockMhz }) => memoryClockMhz),
      powerWatts: range(samples, ({ powerMilliwatts }) => watts(powerMilliwatts)),
      temperatureCelsius: range(samples, ({ temperatureCelsius }) => temperatureCelsius),
      throttleReasons: reasons.length === 0 ? null : [...new Set(reasons.flat())].sort(),
    },
  };
}

type Read = (sample: NvmlDevice) => number | null;

function range(samples: readonly NvmlDevice[], read: Read): Range | null {
  return rangeOf(samples.map(read).filter((value) => value !== null));
}

/** A card at rest lowers its link. */
function highest(samples: readonly NvmlDevice[], read: Read): number | null {
  return range(samples, read)?.maximum ?? null;
}
