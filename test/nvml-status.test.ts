import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { NvmlStatus } from '#dist/native/binding.js';
import { loadBinding } from '#dist/native/load.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What nvmlStatus gives where a stand-in of the library lies, in a process of its own. */
function statusWith(standIn: string): unknown {
  const code = `
    import { loadBinding } from '#dist/native/load.js';
    const plain = ({ code, message, remedy, op }) => ({ code, message, remedy, op });
    const search = { libraryFolders: [${JSON.stringify(path.join(root, 'build-doubles', 'doubles', standIn))}] };
    console.log(JSON.stringify(await loadBinding().nvmlStatus(search).catch(plain)));`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: root,
    encoding: 'utf8',
  });
  return JSON.parse(stdout);
}

it('reports all that the library tells', () => {
  const { driverVersion, cudaVersion, devices } = statusWith('nvml_full') as NvmlStatus;
  expect({ driverVersion, cudaVersion }).toEqual({ driverVersion: '580.159.04', cudaVersion: 13_000 });
  expect(devices[0]).toEqual({
    index: 0,
    name: 'NVIDIA GeForce RTX 3060',
    uuid: 'GPU-00000000-1111-2222-3333-444444444444',
    pciBusId: '0000:0a:00.0',
    totalBytes: 12_884_901_888,
    freeBytes: 11_000_000_000,
    usedBytes: 1_500_000_000,
    reservedBytes: 384_901_888,
    pcieGeneration: 1,
    pcieGenerationMax: 4,
    pcieWidth: 8,
    pcieWidthMax: 16,
    smClockMhz: 1777,
    smClockMaxMhz: 2100,
    memoryClockMhz: 7501,
    memoryClockMaxMhz: 7600,
    powerMilliwatts: 168_500,
    powerLimitMilliwatts: 170_000,
    powerLimitDefaultMilliwatts: 171_000,
    powerLimitMaxMilliwatts: 212_000,
    energyMillijoules: 9_007_199_254_740,
    temperatureCelsius: 71,
    throttleReasons: ['power-cap', 'hardware-thermal'],
    utilizationPercent: 97,
    eccEnabled: null,
    migEnabled: false,
    persistenceEnabled: true,
    displayActive: false,
    processes: [
      { pid: 4242, kind: 'compute', usedBytes: 1_400_000_000 },
      { pid: 4243, kind: 'compute', usedBytes: null },
    ],
  });
});

it.each([
  ['a card that refuses', 'nvml_full'],
  ['a library that lacks the functions', 'nvml_sparse'],
])('%s gives null for everything but name and place', (_, standIn) => {
  const { index, name, pciBusId, ...others } = (statusWith(standIn) as NvmlStatus).devices[1] ?? {};
  // A domain above the four digits that CUDA writes stays whole.
  expect({ index, name, pciBusId }).toEqual({ index: 1, name: 'Tesla T4', pciBusId: '00010000:0b:00.0' });
  expect(Object.values(others).every((value) => value === null)).toBe(true);
});

it('says why a library that is there does not start', () => {
  expect(statusWith('nvml_mismatch')).toMatchObject({
    code: 'ERR_NVML',
    message: expect.stringContaining('Driver/library version mismatch (18)'),
    remedy: expect.stringContaining('driver'),
  });
});

it('says what is missing where there is no driver', () => {
  expect(statusWith('nowhere')).toMatchObject({
    code: 'ERR_NVML',
    message: expect.stringContaining('libnvidia-ml.so.1'),
  });
});

it('refuses folders that are none', () => {
  const search = { libraryFolders: '/usr/lib' } as unknown as { libraryFolders: string[] };
  expect(() => loadBinding().nvmlStatus(search)).toThrow(
    expect.objectContaining({ code: 'ERR_ARGUMENT', message: expect.stringContaining('libraryFolders') }),
  );
});
