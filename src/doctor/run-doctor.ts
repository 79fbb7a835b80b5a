/** Looks at this machine: what is there, what is missing, and what to do about it. Changes nothing. */
import path from 'node:path';
import { findPlugins } from '../encoder/find-plugins.js';
import { ONEDNN_PLUGINS } from '../encoder/onednn/create-encoder.js';
import { defaultEngineFolder } from '../encoder/tensorrt/cache-folder.js';
import { TENSORRT_PLUGINS } from '../encoder/tensorrt/create-encoder.js';
import { LatentCacheError } from '../errors.js';
import { PACKAGE_VERSION } from '../package-version.js';
import { type Check, Done } from './checks/check.js';
import { checkCpu, checkCpuBackend } from './checks/cpu.js';
import { checkCudaRuntime, checkGpu, checkVram } from './checks/cuda.js';
import { checkCard, checkDeviceFiles, checkDriver, checkVisibleDevices } from './checks/driver.js';
import { checkEngineFolder, checkOutputFolders } from './checks/folders.js';
import { checkLimits, checkMemory } from './checks/limits.js';
import { checkAddon, checkNode, checkPackages } from './checks/package.js';
import { checkPlugins, checkTensorrt } from './checks/tensorrt.js';
import { type Machine, thisMachine } from './machine.js';
import type { Probe } from './probe-messages.js';
import type { CheckId, DoctorReport } from './report.js';
import { probeInChild } from './run-probe.js';
import { type Plugins, takeSurvey } from './survey.js';
import { reachVerdict } from './verdict.js';

export interface DoctorOptions {
  /** Which GPU, as in `listDevices`. Default 0. */
  readonly device?: number;
  /** Folders in which CUDA and TensorRT are looked for first. */
  readonly libraryFolders?: readonly string[];
  /** Of compiled engines. Default: `$XDG_CACHE_HOME/latent-cache/engines`. */
  readonly engineFolder?: string;
  /** Where caches will go; none: not looked at. */
  readonly outputFolders?: readonly string[];
  /** How long a library may take to answer. Default 30. */
  readonly limitSeconds?: number;
}

/** What a test replaces. */
export interface DoctorSeams {
  readonly machine?: Machine;
  readonly probe?: Probe;
  readonly plugins?: Plugins;
}

/** In the order in which things must be repaired. */
const CHECKS: Readonly<Record<CheckId, Check>> = {
  node: checkNode,
  addon: checkAddon,
  packages: checkPackages,
  card: checkCard,
  driver: checkDriver,
  'device-files': checkDeviceFiles,
  'visible-devices': checkVisibleDevices,
  'cuda-runtime': checkCudaRuntime,
  gpu: checkGpu,
  vram: checkVram,
  plugins: checkPlugins,
  tensorrt: checkTensorrt,
  'engine-folder': checkEngineFolder,
  cpu: checkCpu,
  'cpu-backend': checkCpuBackend,
  memory: checkMemory,
  limits: checkLimits,
  'output-folders': checkOutputFolders,
};

const LIMIT_SECONDS = 30;

/**
 * Libraries are tried in child processes, so that one that crashes or hangs is a finding. A probe of CUDA takes some hundred
 * megabytes of the card for a moment.
 *
 * @throws LatentCacheError (as rejection) ERR_OPTION for a device or a limit that is none.
 */
export async function runDoctor(options: DoctorOptions = {}, seams: DoctorSeams = {}): Promise<DoctorReport> {
  const { device = 0, libraryFolders = [], outputFolders = [], limitSeconds = LIMIT_SECONDS } = options;
  if (!Number.isInteger(device) || device < 0) {
    throw new LatentCacheError('ERR_OPTION', `device must be the index of a GPU, got ${device}`);
  }
  if (!(limitSeconds > 0 && limitSeconds <= 3600)) {
    throw new LatentCacheError(
      'ERR_OPTION',
      `limitSeconds must be above 0 and at most 3600, got ${limitSeconds}`,
    );
  }
  const { machine = thisMachine(), probe = probeInChild({ limitSeconds }), plugins = builtPlugins() } = seams;
  const engineFolder = path.resolve(
    machine.workingFolder,
    options.engineFolder ?? defaultEngineFolder(machine.env),
  );
  const survey = await takeSurvey(
    machine,
    { device, libraryFolders, engineFolder, outputFolders },
    plugins,
    probe,
  );
  const done = new Done();
  for (const check of Object.values(CHECKS)) done.results.push(check(survey, done));
  return {
    schema: 1,
    version: PACKAGE_VERSION,
    checks: done.results,
    verdict: reachVerdict(survey, done.results),
  };
}

function builtPlugins(): Plugins {
  return { tensorrt: findPlugins(TENSORRT_PLUGINS), onednn: findPlugins(ONEDNN_PLUGINS) };
}
