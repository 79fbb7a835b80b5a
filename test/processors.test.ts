/** Processors, NUMA nodes and the devices that follow from them, read from trees like those of /proc and /sys. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { numaNodes } from '#dist/encoder/onednn/numa.js';
import { planDevices } from '#dist/encoder/onednn/plan-devices.js';
import { checkThreads, usableProcessors } from '#dist/encoder/processors.js';
import { type SystemFiles, systemFiles } from '#dist/encoder/system-files.js';
import { useScratchFolder } from './build-helpers.js';
import { errorOf } from './tensorrt-helpers.js';

const folder = useScratchFolder();

async function tree(files: Record<string, string>): Promise<SystemFiles> {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder(), name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  return systemFiles(folder());
}

describe('usable processors', () => {
  const v2 = { 'proc/self/cgroup': '0::/user/job\n' };
  const v1 = { 'proc/self/cgroup': '5:memory:/job\n4:cpu,cpuacct:/job\n1:name=systemd:/job\n0::/\n' };
  const inV1 = (group: string, quota: string) => ({
    [`sys/fs/cgroup/${group}/cpu.cfs_quota_us`]: `${quota}\n`,
    [`sys/fs/cgroup/${group}/cpu.cfs_period_us`]: '100000\n',
  });

  it.each([
    ['no cgroups', {}, 8],
    ['a group without a limit', { ...v2, 'sys/fs/cgroup/user/job/cpu.max': 'max 100000\n' }, 8],
    ['a whole number', { ...v2, 'sys/fs/cgroup/user/job/cpu.max': '300000 100000\n' }, 3],
    ['a part, which counts as one', { ...v2, 'sys/fs/cgroup/user/job/cpu.max': '250000 100000\n' }, 3],
    ['less than one', { ...v2, 'sys/fs/cgroup/user/job/cpu.max': '10000 100000\n' }, 1],
    ['more than the affinity', { ...v2, 'sys/fs/cgroup/user/job/cpu.max': '6400000 100000\n' }, 8],
    [
      'a tighter limit above',
      {
        ...v2,
        'sys/fs/cgroup/user/job/cpu.max': '400000 100000\n',
        'sys/fs/cgroup/user/cpu.max': '200000 100000\n',
      },
      2,
    ],
    ["a container that sees the host's path", { ...v2, 'sys/fs/cgroup/cpu.max': '200000 100000\n' }, 2],
    [
      'a group outside of the namespace',
      { 'proc/self/cgroup': '0::/../other\n', 'sys/fs/cgroup/cpu.max': '200000 100000\n' },
      2,
    ],
    ['version 1', { ...v1, ...inV1('cpu,cpuacct/job', '150000') }, 2],
    ['version 1, mounted by the short name', { ...v1, ...inV1('cpu/job', '400000') }, 4],
    ['version 1 without a limit', { ...v1, ...inV1('cpu/job', '-1') }, 8],
    ['version 1, a limit above', { ...v1, ...inV1('cpu/job', '-1'), ...inV1('cpu', '500000') }, 5],
  ])('with %s', async (_, files, processors) => {
    expect(usableProcessors(await tree(files as Record<string, string>), 8)).toBe(processors);
  });

  it.each([0, -1, 1.5, Number.NaN])('%d threads are refused', async (threads) => {
    expect((await errorOf((async () => checkThreads(threads))())).code).toBe('ERR_OPTION');
  });
});

describe('NUMA nodes', () => {
  const status = (allowed: string) => ({
    'proc/self/status': `Name:\tnode\nCpus_allowed_list:\t${allowed}\n`,
  });
  const node = (number: number, list: string) => ({
    [`sys/devices/system/node/node${number}/cpulist`]: `${list}\n`,
  });

  it('have the processors that are open to us', async () => {
    const files = await tree({ ...status('1-5,9'), ...node(0, '0-3,8-9'), ...node(1, '4-7') });
    expect(numaNodes(files)).toEqual([
      [1, 2, 3, 9],
      [4, 5],
    ]);
  });

  it('without any are left out: memory alone, or closed to us', async () => {
    const files = await tree({ ...status('0-1'), ...node(0, '0-1'), ...node(1, '2-3'), ...node(2, '') });
    expect(numaNodes(files)).toEqual([[0, 1]]);
  });

  it('are in the order of their numbers', async () => {
    const files = await tree({ ...status('0-99'), ...node(10, '2'), ...node(2, '1'), ...node(0, '0') });
    expect(numaNodes(files)).toEqual([[0], [1], [2]]);
  });

  it('are none where the system does not say', async () => {
    expect(numaNodes(await tree({}))).toEqual([]);
  });
});

describe('devices', () => {
  const range = (first: number, count: number) => Array.from({ length: count }, (_, index) => first + index);

  it.each([[[]], [[range(0, 8)]]])('of %j are one, not bound', (nodes) => {
    expect(planDevices(6, nodes)).toEqual([{ threads: 6 }]);
  });

  it('are one for each node, with its processors', () => {
    expect(planDevices(8, [range(0, 4), range(4, 4)])).toEqual(
      expect.arrayContaining([
        { threads: 4, processors: [0, 1, 2, 3] },
        { threads: 4, processors: [4, 5, 6, 7] },
      ]),
    );
  });

  it.each([
    ['few threads stay on the largest node', 3, [2, 4], [[3, 4]]],
    [
      'threads are spread evenly',
      5,
      [4, 4],
      [
        [2, 4],
        [3, 4],
      ],
    ],
    [
      'a small node gives what it cannot take to the others',
      9,
      [2, 8],
      [
        [2, 2],
        [7, 8],
      ],
    ],
    [
      'no node gets more threads than processors',
      99,
      [2, 3],
      [
        [2, 2],
        [3, 3],
      ],
    ],
  ] as const)('%s', (_, threads, sizes, expected) => {
    const nodes = sizes.map((size, index) => range(index * 100, size));
    const plan = planDevices(threads, nodes).map((device) => [device.threads, device.processors?.length]);
    expect(plan).toEqual(expected);
  });
});
