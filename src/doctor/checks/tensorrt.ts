/** The plug-ins of this package and the TensorRT that they find. */
import path from 'node:path';
import type { PlainError } from '../../encoder/plain-error.js';
import { furthestFirst } from '../../encoder/tensorrt/open-backend.js';
import type { ErrorCode } from '../../errors.js';
import { BUILD_COMMAND } from '../../native/load.js';
import { describeFile, type LibraryFile, majorOf } from '../library-files.js';
import { describeAccident, isAccident, outputOf, type ProbeAccident } from '../probe-messages.js';
import type { CheckResult, Remedy } from '../report.js';
import type { ProbedPlugin, Survey } from '../survey.js';
import { installTensorrt, nameFolders, OLDEST_TENSORRT, reinstallCommand } from './advice.js';
import { type Check, NO_CARD, result, skipWithout } from './check.js';

const LIBRARY = /libnvinfer\.so\.\d+/;
const PARSER = /libnvonnxparser\.so\.\d+/;

export const checkPlugins: Check = (survey, done) => {
  const { tensorrt } = survey;
  if (tensorrt.length > 0) {
    const majors = tensorrt.map(({ major }) => major).join(' and ');
    return result('plugins', 'ok', `this package has the plug-in for TensorRT ${majors}`);
  }
  return (
    skipWithout('plugins', survey, done) ??
    result('plugins', 'missing', 'this package was built without a plug-in for TensorRT', {
      remedy: {
        text: "Build it where TensorRT's and CUDA's public headers are (TENSORRT_ROOT is the folder with include/NvInfer.h).",
        command: `TENSORRT_ROOT=<folder> ${BUILD_COMMAND}`,
      },
    })
  );
};

/** The plug-in that `build` takes; as in `openBackend`, the highest priority wins. */
export function chosenPlugin({ tensorrt }: Pick<Survey, 'tensorrt'>): ProbedPlugin | undefined {
  const priority = ({ outcome }: ProbedPlugin) => (outcome.kind === 'answer' ? outcome.value.priority : -1);
  const [best] = [...tensorrt].sort((a, b) => priority(b) - priority(a));
  return best?.outcome.kind === 'answer' ? best : undefined;
}

export const checkTensorrt: Check = (survey, done) => {
  const { tensorrt, hasCard, libraries } = survey;
  const found = [...libraries.find(LIBRARY), ...libraries.find(PARSER)];
  const details = [...found.map((file) => `found ${describeFile(file)}`), ...tensorrt.flatMap(whyNot)];

  // the plug-ins open the CUDA runtime first
  const hasRuntime = done.firstBroken('cuda-runtime') === undefined;
  for (const { path: plugin, outcome } of tensorrt) {
    if (!isAccident(outcome) || !hasRuntime) continue;
    return result(
      'tensorrt',
      'failed',
      `TensorRT, opened by ${path.basename(plugin)}, ${describeAccident(outcome)}`,
      {
        details: [...details, ...outputOf(outcome as ProbeAccident)],
        remedy: reinstall(survey),
      },
    );
  }
  const best = chosenPlugin(survey);
  if (best !== undefined && best.outcome.kind === 'answer') {
    const { runtime } = best.outcome.value;
    return result(
      'tensorrt',
      'ok',
      `${runtime}, by ${path.basename(best.path)}: ${reasonFor(best, tensorrt)}`,
      { details },
    );
  }
  if (!hasCard) return result('tensorrt', 'skipped', NO_CARD);
  return (
    judgeMissing(survey, details) ??
    judgeErrors(
      survey,
      done.firstBroken('addon', 'driver', 'device-files', 'visible-devices', 'cuda-runtime', 'plugins'),
      details,
    )
  );
};

function reasonFor(best: ProbedPlugin, all: readonly ProbedPlugin[]): string {
  const usable = all.filter(({ outcome }) => outcome.kind === 'answer').length;
  if (all.length === 1) return 'the only plug-in of this package';
  return usable === 1
    ? 'the only one whose TensorRT is here'
    : `the newer of ${usable} that work (${best.major})`;
}

/** Told by earlier checks. */
const OF_CUDA: readonly ErrorCode[] = [
  'ERR_ADDON_MISSING',
  'ERR_CUDA_MISSING',
  'ERR_CUDA_DRIVER',
  'ERR_NO_DEVICE',
];

function whyNot({ path: plugin, outcome }: ProbedPlugin): string[] {
  return outcome.kind === 'error' && !OF_CUDA.includes(outcome.error.code)
    ? [`${path.basename(plugin)}: ${outcome.error.message}`]
    : [];
}

/** What the files alone tell, with or without a driver. */
function judgeMissing(survey: Survey, details: readonly string[]): CheckResult | undefined {
  const { libraries, tensorrt } = survey;
  const found = libraries.find(LIBRARY);
  const stray = libraries.strayWheels();
  if (found.length === 0) {
    return result('tensorrt', 'missing', 'TensorRT (libnvinfer) was not found', {
      details: [
        ...details,
        ...libraries.describeSearch(),
        ...stray.map((folder) => `not searched, but has it: ${folder}`),
      ],
      remedy: stray.some((folder) => folder.endsWith('tensorrt_libs'))
        ? nameFolders(stray)
        : installTensorrt(survey),
    });
  }
  const majors = tensorrt.length === 0 ? [10, 11] : tensorrt.map(({ major }) => major);
  const fitting = found.filter((file) => majors.includes(majorOf(file)));
  if (fitting.length === 0) {
    const had = [...new Set(found.map(majorOf))].join(' and ');
    const wanted =
      majors.length === 1 && majors[0] === 11
        ? '11'
        : `${OLDEST_TENSORRT} or newer${majors.includes(11) ? '' : ' (10.x)'}`;
    return result('tensorrt', 'failed', `TensorRT ${had} is here; ${wanted} is needed`, {
      details,
      remedy: installTensorrt(survey, true),
    });
  }
  // the library knows its version better than its file's name does
  const tooOld = errorsOf(tensorrt).find(({ code }) => code === 'ERR_TENSORRT_TOO_OLD');
  if (tooOld !== undefined) {
    return result('tensorrt', 'failed', tooOld.message, { details, remedy: installTensorrt(survey, true) });
  }
  if (fitting.every(isTooOld)) {
    const versions = fitting.map(({ version }) => version).join(' and ');
    return result(
      'tensorrt',
      'failed',
      `TensorRT ${versions} is here; ${OLDEST_TENSORRT} is the oldest that works`,
      {
        details,
        remedy: installTensorrt(survey, true),
      },
    );
  }
  const parsers = libraries.find(PARSER).map(majorOf);
  const [bare] = fitting.filter((file) => !parsers.includes(majorOf(file)));
  if (bare !== undefined && fitting.every((file) => !parsers.includes(majorOf(file)))) {
    return result(
      'tensorrt',
      'failed',
      `${bare.path} is here, but its ONNX parser (libnvonnxparser.so.${majorOf(bare)}) is not`,
      {
        details,
        remedy: parserRemedy(survey, bare),
      },
    );
  }
  return undefined;
}

function isTooOld({ version }: LibraryFile): boolean {
  if (version === null) return false;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_TENSORRT.split('.').map(Number);
  return major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
}

/** Debian's and Ubuntu's package of NVIDIA's repository carries the major in its name. */
function parserRemedy(survey: Survey, { path: file, name }: LibraryFile): Remedy {
  const isDebian = survey.system.distributions.some((id) => id === 'debian' || id === 'ubuntu');
  if (isDebian && file.startsWith('/usr/lib/')) {
    return {
      text: 'Install the parser of the same version.',
      command: `sudo apt install libnvonnxparsers${majorOf({ name })}`,
    };
  }
  return reinstall(survey);
}

function reinstall(survey: Survey): Remedy {
  return {
    text: 'Install TensorRT again, whole; if it stays so, take another version of it or of the driver. Until then, give --backend cpu.',
    command: reinstallCommand(survey),
  };
}

function judgeErrors(survey: Survey, broken: string | undefined, details: readonly string[]): CheckResult {
  if (broken !== undefined) {
    return result('tensorrt', 'skipped', `is here; repair ${broken} first`, {
      details,
    });
  }
  const [error] = furthestFirst(errorsOf(survey.tensorrt));
  if (error === undefined) return result('tensorrt', 'skipped', 'is here; no plug-in tried it', { details });
  const isOld = error.code === 'ERR_TENSORRT_TOO_OLD' || error.code === 'ERR_TENSORRT_MAJOR';
  const remedy: Remedy =
    isOld || error.code === 'ERR_TENSORRT_MISSING'
      ? installTensorrt(survey, isOld)
      : { text: error.remedy ?? 'Until this is repaired, give --backend cpu.' };
  return result('tensorrt', 'failed', error.message, { details, remedy });
}

function errorsOf(plugins: readonly ProbedPlugin[]): PlainError[] {
  return plugins.flatMap(({ outcome }) => (outcome.kind === 'error' ? [outcome.error] : []));
}
