/** Everything that the checks judge, gathered once. */
import path from 'node:path';
import { LibraryFiles } from './library-files.js';
import type { Machine } from './machine.js';
import type { Probe, ProbeAnswers, ProbeOutcome } from './probe-messages.js';
import { readSystem, type System } from './system.js';

export interface Question {
  readonly device: number;
  readonly libraryFolders: readonly string[];
  readonly engineFolder: string;
  readonly outputFolders: readonly string[];
}

export interface Plugins {
  readonly tensorrt: readonly string[];
  readonly onednn: readonly string[];
}

export interface ProbedPlugin {
  readonly path: string;
  /** 10 of 'liblatent_cache_trt10.so' */
  readonly major: number;
  readonly outcome: ProbeOutcome<ProbeAnswers['plugin']>;
}

export interface Survey {
  readonly machine: Machine;
  readonly system: System;
  readonly question: Question;
  readonly libraries: LibraryFiles;
  readonly addon: ProbeOutcome<ProbeAnswers['addon']>;
  readonly sharp: ProbeOutcome<ProbeAnswers['module']>;
  readonly libsql: ProbeOutcome<ProbeAnswers['module']>;
  readonly onnxruntime: ProbeOutcome<ProbeAnswers['module']>;
  readonly nvml: ProbeOutcome<ProbeAnswers['nvml']>;
  readonly cuda: ProbeOutcome<ProbeAnswers['cuda']>;
  readonly tensorrt: readonly ProbedPlugin[];
  /** undefined: the plug-in was not built. */
  readonly onednn: ProbeOutcome<ProbeAnswers['plugin']> | undefined;
  readonly hasCard: boolean;
}

export async function takeSurvey(
  machine: Machine,
  question: Question,
  plugins: Plugins,
  probe: Probe,
): Promise<Survey> {
  const libraries = new LibraryFiles(machine, question.libraryFolders);
  const { folders: libraryFolders } = libraries;
  const system = readSystem(machine);
  const [gpu, packages] = await Promise.all([
    probeGpu(probe, libraryFolders, question.device, plugins.tensorrt),
    probePackages(probe, libraryFolders, plugins.onednn),
  ]);
  const { nvml, cuda } = gpu;
  const hasCard =
    system.cards.length > 0 ||
    system.driverVersion !== null ||
    (nvml.kind === 'answer' && nvml.value.devices.length > 0) ||
    (nvml.kind === 'error' && isMismatch(nvml.error.message)) ||
    servedByMessage(cuda) !== null ||
    (cuda.kind === 'answer' && cuda.value.status.devices.length > 0) ||
    (system.isWsl && machine.look(WSL_DRIVER) !== undefined);
  return { machine, system, question, libraries, ...gpu, ...packages, hasCard };
}

/** Windows puts it there when it has NVIDIA's driver. */
export const WSL_DRIVER = '/usr/lib/wsl/lib/libcuda.so.1';

/** The CUDA version (12040 is 12.4) in the addon's error about a driver that is too old for the runtime. */
export function servedByMessage(cuda: Survey['cuda']): number | null {
  if (cuda.kind !== 'error' || cuda.error.code !== 'ERR_CUDA_DRIVER') return null;
  const [, major, minor] = /driver serves CUDA (\d+)\.(\d+)/.exec(cuda.error.message) ?? [];
  return major === undefined ? null : Number(major) * 1000 + Number(minor) * 10;
}

/** NVML is there, and belongs to another version of the driver than the kernel's module. */
export function isMismatch(message: string): boolean {
  return /mismatch/i.test(message);
}

/** One after the other: NVML first, which sees the card's memory before a probe of CUDA takes some of it. */
async function probeGpu(
  probe: Probe,
  libraryFolders: readonly string[],
  device: number,
  plugins: readonly string[],
): Promise<Pick<Survey, 'nvml' | 'cuda' | 'tensorrt'>> {
  const nvml = await probe({ kind: 'nvml', libraryFolders });
  const cuda = await probe({ kind: 'cuda', libraryFolders, device });
  const tensorrt: ProbedPlugin[] = [];
  for (const plugin of plugins) {
    const major = Number(/trt(\d+)/.exec(path.basename(plugin))?.[1]);
    const outcome = await probe({ kind: 'plugin', libraryFolders, plugin });
    tensorrt.push({ path: plugin, major, outcome });
  }
  return { nvml, cuda, tensorrt };
}

async function probePackages(
  probe: Probe,
  libraryFolders: readonly string[],
  [onednnPlugin]: readonly string[],
): Promise<Pick<Survey, 'addon' | 'sharp' | 'libsql' | 'onnxruntime' | 'onednn'>> {
  const addon = await probe({ kind: 'addon' });
  const sharp = await probe({ kind: 'module', name: 'sharp' });
  const libsql = await probe({ kind: 'module', name: 'libsql' });
  const onnxruntime = await probe({ kind: 'module', name: 'onnxruntime-node' });
  const onednn =
    onednnPlugin === undefined
      ? undefined
      : await probe({ kind: 'plugin', libraryFolders, plugin: onednnPlugin });
  return { addon, sharp, libsql, onnxruntime, onednn };
}
