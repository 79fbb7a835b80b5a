import { cpus, release, type as systemName, totalmem } from 'node:os';
import { usableProcessors } from '../encoder/processors.js';
import { PACKAGE_VERSION } from '../package-version.js';
import { sharp } from '../sharp.js';
import type { HostFacts, Versions } from './report.js';

export function hostFacts(): HostFacts {
  const limit = process.constrainedMemory();
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    processors: usableProcessors(),
    memoryBytes: limit > 0 ? Math.min(limit, totalmem()) : totalmem(),
    // without what a distribution adds to the version
    system: `${systemName()} ${release().split('-')[0]}, ${process.arch}`,
  };
}

/** @param encoder its library; @param driver of the GPU, where one is asked */
export function versions(encoder: string, driver: string | null): Versions {
  return {
    latentCache: PACKAGE_VERSION,
    node: process.versions.node,
    sharp: sharp.versions.sharp ?? 'unknown',
    libvips: sharp.versions.vips,
    encoder,
    driver,
  };
}
