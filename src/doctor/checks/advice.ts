/** How TensorRT and the CUDA runtime are installed. */
import type { Remedy } from '../report.js';
import type { Survey } from '../survey.js';
import { driverBranch } from '../system.js';
import { servedCuda } from './driver.js';

/** What the plug-ins are built against: TensorRT 10 from 10.14 on, and 11. */
export const OLDEST_TENSORRT = '10.14';
/** TensorRT 11 needs this branch on Linux, also with CUDA 12 (its installation guide, prerequisites). */
const OLDEST_BRANCH_OF_11 = 535;

/**
 * NVIDIA's packages for pip. They bring the CUDA runtime along; `tensorrt-cu12` is for drivers from 525 on,
 * `tensorrt-cu13` (and `tensorrt` alone) for those from 580 on.
 */
export function installTensorrt(survey: Survey, upgrade = false): Remedy {
  const served = servedCuda(survey);
  const name = served?.major === 12 ? 'tensorrt-cu12' : 'tensorrt-cu13';
  const verb = upgrade ? 'Update' : 'Install';
  const unknown = served === null ? ' With a driver older than 580, take tensorrt-cu12 instead.' : '';
  return {
    text: `${verb} TensorRT in the Python environment that is active when you run latent-cache; it brings the CUDA runtime.${unknown}`,
    command: `pip install ${upgrade ? '--upgrade ' : ''}"${name}${versionRange(survey)}"`,
  };
}

export function reinstallCommand(survey: Survey): string {
  const { command = '' } = installTensorrt(survey);
  return command.replace('install', 'install --force-reinstall');
}

function versionRange({ tensorrt, system: { driverVersion } }: Survey): string {
  const majors = tensorrt.map(({ major }) => major);
  const allows11 = driverVersion === null || driverBranch(driverVersion) >= OLDEST_BRANCH_OF_11;
  if (majors.length === 1 && majors[0] === 11) return '>=11';
  return (majors.length === 0 || majors.includes(11)) && allows11
    ? `>=${OLDEST_TENSORRT}`
    : `>=${OLDEST_TENSORRT},<11`;
}

/** For libraries that are on this machine, where nobody looks. */
export function nameFolders(folders: readonly string[]): Remedy {
  return {
    text: 'Activate the Python environment that has it, or name its folders to every command.',
    command: `export LATENT_CACHE_LIBRARY_DIR=${folders.join(':')}`,
  };
}
