/** Where files go: whether they may be written, and how much space there is. */
import path from 'node:path';
import { formatBytes } from '../../format-bytes.js';
import type { Machine } from '../machine.js';
import type { CheckId, CheckResult, CheckStatus, Remedy } from '../report.js';
import { type Check, isBroken, result, skipWithout } from './check.js';

const MIB = 2 ** 20;
/** An engine takes tens to hundreds of megabytes, a cache less than one. */
const FULL = 64 * MIB;
const NEARLY_FULL = 1024 * MIB;

export const checkEngineFolder: Check = (survey, done) => {
  const id = 'engine-folder';
  const { machine, question } = survey;
  const folder = question.engineFolder;
  const skipped = skipWithout(id, survey, done);
  if (skipped !== undefined) return skipped;
  const choose = 'or choose another one with --engine-dir';
  const info = machine.look(folder);
  if (info !== undefined && info.kind !== 'folder') {
    return result(id, 'failed', `${folder} is no folder`, { remedy: { text: `Remove it, ${choose}.` } });
  }
  if (info !== undefined && machine.userId !== undefined && info.userId !== machine.userId) {
    return result(
      id,
      'failed',
      `${folder} belongs to another user; engines hold machine code, and are not loaded from there`,
      {
        remedy: { text: `Make it yours, ${choose}.`, command: `sudo chown -R "$USER" ${quoted(folder)}` },
      },
    );
  }
  if (info !== undefined && (info.mode & 0o022) !== 0) {
    return result(
      id,
      'failed',
      `${folder} can be written by other users; engines hold machine code, and are not loaded from there`,
      {
        remedy: {
          text: `Close it to others if you trust what is in it, ${choose}.`,
          command: `chmod go-w ${quoted(folder)}`,
        },
      },
    );
  }
  return judgeSpace(id, folder, machine, {
    full: {
      text: 'Remove what is not needed; engines that no card uses any more are some of it.',
      command: 'latent-cache engines clear',
    },
    closed: { text: `Make it writable, ${choose}.`, command: `chmod u+rwx ${quoted(folder)}` },
  });
};

export const checkOutputFolders: Check = ({ machine, question: { outputFolders } }) => {
  const id = 'output-folders';
  if (outputFolders.length === 0) {
    return result(id, 'skipped', 'name the folders with images to have them looked at');
  }
  const judged = outputFolders.map((folder) =>
    judgeOutput(id, path.resolve(machine.workingFolder, folder), machine),
  );
  const worst =
    judged.find(({ status }) => isBroken(status)) ??
    judged.find(({ status }) => status === 'warning') ??
    judged[0]!;
  const details = judged.filter((other) => other !== worst).map(({ summary }) => summary);
  return { ...worst, details };
};

function judgeOutput(id: CheckId, folder: string, machine: Machine): CheckResult {
  if (machine.look(folder)?.kind !== 'folder') {
    return result(id, 'missing', `${folder} is no folder`, {
      remedy: { text: 'Name the folder with the images.' },
    });
  }
  return judgeSpace(id, folder, machine, {
    full: {
      text: 'Free space on this disk, or write elsewhere with --out-dir.',
      command: `df -h ${quoted(folder)}`,
    },
    closed: {
      text: 'Make it writable, or write elsewhere with --out-dir.',
      command: `chmod u+rwx ${quoted(folder)}`,
    },
  });
}

/** Of a folder, or of the one in which it will be made. */
function judgeSpace(
  id: CheckId,
  folder: string,
  machine: Machine,
  { full, closed }: { readonly full: Remedy; readonly closed: Remedy },
): CheckResult {
  const there = existing(folder, machine);
  if (!machine.mayUse(there, 'write')) {
    return result(id, 'failed', `${there} cannot be written`, { remedy: closed });
  }
  const free = machine.freeBytes(there);
  if (free === undefined) return result(id, 'ok', `${folder} can be written`);
  const status: CheckStatus = free < FULL ? 'failed' : free < NEARLY_FULL ? 'warning' : 'ok';
  const summary = `${folder}: ${status === 'ok' ? '' : 'only '}${formatBytes(free)} free`;
  return result(id, status, summary, { remedy: status === 'ok' ? undefined : full });
}

function existing(folder: string, machine: Machine): string {
  let at = folder;
  while (machine.look(at) === undefined && path.dirname(at) !== at) at = path.dirname(at);
  return at;
}

function quoted(file: string): string {
  return `'${file.replaceAll("'", "'\\''")}'`;
}
