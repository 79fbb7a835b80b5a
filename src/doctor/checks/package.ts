/** Whether the package itself is whole. */

import { BUILD_COMMAND } from '../../native/load.js';
import type { ProbeAnswers } from '../probe-messages.js';
import {
  describeAccident,
  isAccident,
  type ModuleName,
  outputOf,
  type ProbeOutcome,
} from '../probe-messages.js';
import type { CheckResult, Remedy } from '../report.js';
import { type Check, result } from './check.js';

/** As package.json says in `engines`. */
const OLDEST_NODE = [20, 9];

export const checkNode: Check = ({ machine: { nodeVersion, platform, architecture } }) => {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE;
  const where = `Node.js ${nodeVersion} on ${platform} ${architecture}`;
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
    return result(
      'node',
      'failed',
      `${where} is too old: ${OLDEST_NODE.join('.')} is the oldest that works`,
      {
        remedy: {
          text: 'Install a newer Node.js, for instance with nvm (https://github.com/nvm-sh/nvm), and latent-cache again with it.',
          command: 'nvm install 22',
        },
      },
    );
  }
  if (platform !== 'linux' || architecture !== 'x64') {
    return result('node', 'warning', `${where}: only Linux x64 is supported`);
  }
  return result('node', 'ok', where);
};

export const checkAddon: Check = ({ addon }) => {
  if (addon.kind === 'answer') {
    return result('addon', 'ok', `the native addon loads; its kernels use ${addon.value.instructionSet}`);
  }
  const build = { text: 'Build it on this machine.', command: BUILD_COMMAND };
  if (addon.kind === 'error') {
    const { message, remedy } = addon.error;
    return result('addon', 'failed', message, {
      remedy: remedy === undefined ? build : { ...build, text: remedy },
    });
  }
  return result('addon', 'failed', `the native addon ${describeAccident(addon)}`, {
    details: outputOf(addon),
    remedy: build,
  });
};

/** Without the first no image is decoded, without the second no manifest is kept. */
export const checkPackages: Check = ({ sharp, libsql }) => {
  const problems = [problemOf('sharp', sharp), problemOf('libsql', libsql)].filter(
    (problem) => problem !== null,
  );
  const [first] = problems;
  if (first === undefined) {
    return result('packages', 'ok', `${nameOf('sharp', sharp)} and ${nameOf('libsql', libsql)} load`);
  }
  return result('packages', first.status, problems.map(({ summary }) => summary).join('; '), {
    details: problems.flatMap(({ details }) => details),
    remedy: first.remedy,
  });
};

interface PackageProblem extends Pick<CheckResult, 'summary' | 'details'> {
  readonly status: 'missing' | 'failed';
  readonly remedy: Remedy;
}

export function problemOf(
  name: ModuleName,
  outcome: ProbeOutcome<ProbeAnswers['module']>,
): PackageProblem | null {
  // their binaries are optional packages of npm's, which "--omit=optional" and a lock file of another system leave out
  const remedy: Remedy = {
    text: `Install ${name} again, with its optional packages.`,
    command: `npm install --include=optional ${name}`,
  };
  if (isAccident(outcome)) {
    const summary = `${name} ${describeAccident(outcome)}`;
    return { status: 'failed', summary, details: outputOf(outcome), remedy };
  }
  if (outcome.kind === 'error') {
    return { status: 'failed', summary: `${name}: ${outcome.error.message}`, details: [], remedy };
  }
  const { problem, reason } = outcome.value;
  if (problem === null) return null;
  const details = reason === null ? [] : [reason];
  return problem === 'missing'
    ? { status: 'missing', summary: `${name} is not installed`, details: [], remedy }
    : { status: 'failed', summary: `${name} does not load`, details, remedy };
}

function nameOf(name: string, outcome: ProbeOutcome<ProbeAnswers['module']>): string {
  const version = outcome.kind === 'answer' ? outcome.value.version : null;
  return version === null ? name : `${name} ${version}`;
}
