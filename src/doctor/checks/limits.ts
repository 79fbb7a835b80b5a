/** Main memory and what the system allows one process. */
import path from 'node:path';
import { formatBytes } from '../../format-bytes.js';
import type { Machine } from '../machine.js';
import { type Check, result } from './check.js';

const KIB = 1024;
const GIB = 2 ** 30;
/** Decoded images, the network's weights and one image's feature maps. */
const LITTLE_MEMORY = 2 * GIB;
/** Files that a run holds open at once, with room: images and caches in flight, libraries, the manifest. */
const FEW_FILES = 1024;
/** libuv's and the encoder's threads, for each processor twice, and those of libraries. */
const OTHER_THREADS = 64;

export const checkMemory: Check = ({ machine }) => {
  const info = machine.read('/proc/meminfo') ?? '';
  const kib = (name: string) => new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(info)?.[1];
  const total = kib('MemTotal');
  const available = kib('MemAvailable');
  if (total === undefined || available === undefined) {
    return result('memory', 'skipped', 'this system does not tell how much memory it has');
  }
  const limit = memoryLimit(machine);
  const free = Math.min(Number(available) * KIB, limit?.free ?? Number.POSITIVE_INFINITY);
  const whole = Math.min(Number(total) * KIB, limit?.total ?? Number.POSITIVE_INFINITY);
  const isLimited = limit !== undefined && limit.total < Number(total) * KIB;
  const summary = `${formatBytes(free)} of ${formatBytes(whole)} free${isLimited ? ` (a cgroup allows that much of ${formatBytes(Number(total) * KIB)})` : ''}`;
  if (free >= LITTLE_MEMORY) return result('memory', 'ok', summary);
  return result('memory', 'warning', summary, {
    remedy: {
      text: `Close other programs${isLimited ? ', or give the container more memory' : ''}: large images may not fit.`,
    },
  });
};

export const checkLimits: Check = ({ machine }) => {
  const limits = machine.read('/proc/self/limits') ?? '';
  const files = limitOf(limits, 'Max open files');
  const threads = Math.min(limitOf(limits, 'Max processes'), tasksLeft(machine));
  const needed = 4 * machine.processors + OTHER_THREADS;
  const show = (value: number) => (value === Number.POSITIVE_INFINITY ? 'any number of' : String(value));
  const summary = `${show(files)} open files, ${show(threads)} threads`;
  if (files < FEW_FILES) {
    return result('limits', 'warning', `${summary}: so few files may not be enough`, {
      remedy: { text: 'Raise the limit in this shell.', command: `ulimit -n ${FEW_FILES * 4}` },
    });
  }
  if (threads < needed) {
    return result('limits', 'warning', `${summary}: about ${needed} threads may be needed`, {
      remedy: {
        text: 'Raise the limit of this user (ulimit -u) or of the container (docker run --pids-limit).',
      },
    });
  }
  return result('limits', 'ok', summary);
};

/** The soft limit. */
function limitOf(limits: string, name: string): number {
  const value = new RegExp(`^${name}\\s+(\\S+)`, 'm').exec(limits)?.[1];
  return value === undefined || value === 'unlimited' ? Number.POSITIVE_INFINITY : Number(value);
}

/** That the cgroups still allow: threads count as tasks. */
function tasksLeft(machine: Machine): number {
  const left = groupFolders(machine, 'pids').map((folder) => {
    const limit = numberIn(machine, path.join(folder, 'pids.max'));
    const used = numberIn(machine, path.join(folder, 'pids.current')) ?? 0;
    return limit === undefined ? Number.POSITIVE_INFINITY : limit - used;
  });
  return Math.min(Number.POSITIVE_INFINITY, ...left);
}

/** The tightest of all levels; pages of files that were not used lately are given back before it is enforced. */
function memoryLimit(machine: Machine): { free: number; total: number } | undefined {
  let tightest: { free: number; total: number } | undefined;
  for (const folder of groupFolders(machine, 'memory')) {
    for (const [limitName, usedName, inactiveName] of [
      ['memory.max', 'memory.current', 'inactive_file'],
      ['memory.limit_in_bytes', 'memory.usage_in_bytes', 'total_inactive_file'],
    ] as const) {
      const total = numberIn(machine, path.join(folder, limitName));
      const used = numberIn(machine, path.join(folder, usedName));
      if (total === undefined || used === undefined) continue;
      const stat = machine.read(path.join(folder, 'memory.stat')) ?? '';
      const inactive = Number(new RegExp(`^${inactiveName} (\\d+)$`, 'm').exec(stat)?.[1] ?? 0);
      const free = Math.max(0, total - Math.max(0, used - inactive));
      if (tightest === undefined || free < tightest.free) tightest = { free, total };
    }
  }
  return tightest;
}

/** 'max' is no number: no limit. */
function numberIn(machine: Machine, file: string): number | undefined {
  const text = machine.read(file)?.trim() ?? '';
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

/** The folders of this process's group and of those above it, of version 2 and of one controller of version 1. */
function groupFolders(machine: Machine, controller: string): string[] {
  const folders: string[] = [];
  for (const line of (machine.read('/proc/self/cgroup') ?? '').split('\n')) {
    const [, controllers, group] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || group === undefined) continue;
    if (controllers !== '' && !controllers.split(',').includes(controller)) continue;
    const mount = path.join('/sys/fs/cgroup', controllers === '' ? '' : controller);
    for (let at = path.resolve('/', group); at !== '/'; at = path.dirname(at))
      folders.push(path.join(mount, at));
    folders.push(mount);
  }
  return folders;
}
