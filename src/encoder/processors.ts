/** How many processors this process may use: what its affinity and its cgroups' quotas leave. */
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { LatentCacheError } from '../errors.js';
import { type SystemFiles, systemFiles } from './system-files.js';

const CGROUPS = '/sys/fs/cgroup';

/**
 * A container with a quota of 2 processors on a machine with 64 sees all 64, but is stopped for most of each period
 * when it uses them.
 *
 * @param allowed processors that the scheduler may put us on.
 * @returns at least 1; a part of a processor counts as one.
 */
export function usableProcessors(
  files: SystemFiles = systemFiles(),
  allowed: number = availableParallelism(),
): number {
  return Math.max(1, Math.min(allowed, Math.ceil(cgroupQuota(files))));
}

/** @throws LatentCacheError ERR_OPTION. */
export function checkThreads(threads: number): number {
  if (Number.isInteger(threads) && threads >= 1) return threads;
  throw new LatentCacheError('ERR_OPTION', `expected a positive integer as threads, got ${threads}`);
}

export function describeThreads(threads: number): string {
  return threads === 1 ? '1 thread' : `${threads} threads`;
}

/** In processors; Infinity without a limit. The tightest of all levels holds. */
function cgroupQuota(files: SystemFiles): number {
  let quota = Number.POSITIVE_INFINITY;
  for (const line of (files.read('/proc/self/cgroup') ?? '').split('\n')) {
    // "0::/path" is version 2, "4:cpu,cpuacct:/path" a hierarchy of version 1
    const [, controllers, group] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || group === undefined) continue;
    if (controllers === '') {
      for (const folder of levels(CGROUPS, group)) quota = Math.min(quota, quotaOfVersion2(files, folder));
    } else if (controllers.split(',').includes('cpu')) {
      for (const mount of new Set([controllers, 'cpu'])) {
        for (const folder of levels(path.join(CGROUPS, mount), group)) {
          quota = Math.min(quota, quotaOfVersion1(files, folder));
        }
      }
    }
  }
  return quota;
}

/**
 * A group's folder and all above it. In a container the path may be that of the host, of which only the last folder
 * upwards exists here: the container's own group.
 */
function levels(mount: string, group: string): string[] {
  const folders: string[] = [];
  // a group outside of the container's namespace begins with /..
  for (let at = path.resolve('/', group); at !== '/'; at = path.dirname(at))
    folders.push(path.join(mount, at));
  return [...folders, mount];
}

function quotaOfVersion2(files: SystemFiles, folder: string): number {
  const [quota, period] = (files.read(path.join(folder, 'cpu.max')) ?? '').trim().split(/\s+/);
  return ratio(quota, period);
}

function quotaOfVersion1(files: SystemFiles, folder: string): number {
  return ratio(
    files.read(path.join(folder, 'cpu.cfs_quota_us')),
    files.read(path.join(folder, 'cpu.cfs_period_us')),
  );
}

/** "max", -1 and a file that is not there are no limit. */
function ratio(quota: string | undefined, period: string | undefined): number {
  const processors = Number(quota) / Number(period);
  return processors > 0 ? processors : Number.POSITIVE_INFINITY;
}
