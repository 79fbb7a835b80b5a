// What is said of the card, and what of its memory comes back.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { findLibraryFolders } from '../../../dist/encoder/tensorrt/find-libraries.js';
import { loadBinding } from '../../../dist/native/load.js';
import { evaluate } from './processes.mjs';

const MIB = 2 ** 20;
const mib = (bytes) => `${(bytes / MIB).toFixed(0)} MiB`;

export async function card() {
  const { devices } = await loadBinding().nvmlStatus(findLibraryFolders());
  return devices[0];
}

/** NVML, the CUDA runtime and nvidia-smi tell the same. */
export async function statusAgrees() {
  const binding = loadBinding();
  const search = findLibraryFolders();
  const nvml = await binding.nvmlStatus(search);
  const cuda = await binding.cudaStatus(search);
  const fields = [
    'name',
    'driver_version',
    'pci.bus_id',
    'memory.total',
    'power.limit',
    'clocks.max.sm',
    'uuid',
  ];
  const line = execFileSync('nvidia-smi', [
    `--query-gpu=${fields}`,
    '--format=csv,noheader,nounits',
    '-i',
    '0',
  ]);
  const [name, driver, bus, total, limit, clock, uuid] = String(line).trim().split(', ');
  const [device] = nvml.devices;
  assert.equal(device.name, name);
  assert.equal(nvml.driverVersion, driver);
  assert.equal(device.pciBusId, bus.toLowerCase().replace(/^0000(?=....:)/, ''));
  assert.equal(Math.round(device.totalBytes / MIB), Number(total));
  assert.equal(device.powerLimitMilliwatts / 1000, Number(limit));
  assert.equal(device.smClockMaxMhz, Number(clock));
  assert.equal(device.uuid, uuid);
  assert.equal(cuda.devices[0].name, name);
  assert.equal(cuda.devices[0].pciBusId, device.pciBusId);
  assert.equal(cuda.driverVersion, nvml.cudaVersion);
  return `${JSON.stringify(device)} ${JSON.stringify(cuda)}`;
}

/** Listing devices takes no memory of the card; asking for its memory makes a context. */
export async function contextFree() {
  const result = await evaluate(`
    import { findLibraryFolders } from '#dist/encoder/tensorrt/find-libraries.js';
    import { loadBinding } from '#dist/native/load.js';
    const binding = loadBinding();
    const search = findLibraryFolders();
    const used = async () => (await binding.nvmlStatus(search)).devices[0].usedBytes;
    const before = await used();
    await binding.cudaStatus(search);
    const listed = await used();
    const memory = await binding.cudaMemGetInfo(0, search);
    const asked = await used();
    const nvml = (await binding.nvmlStatus(search)).devices[0];
    console.log(JSON.stringify({ before, listed, asked, memory, nvml }));`);
  const { before, listed, asked, memory, nvml } = result;
  assert.ok(listed - before < MIB, `listing devices took ${listed - before} bytes`);
  assert.ok(
    Math.abs(memory.free - nvml.freeBytes) < 64 * MIB,
    `${memory.free} and ${nvml.freeBytes} bytes free`,
  );
  return `listing takes ${mib(listed - before)}, a context ${mib(asked - before)}; free by CUDA ${mib(memory.free)}, by NVML ${mib(nvml.freeBytes)}`;
}

/** Everything that a device took is free again after it was closed, a hundred times. */
export async function memoryReturns({ vae, folder }) {
  const result = await evaluate(
    `
    import { createTensorrtEncoder } from '#dist/encoder/tensorrt/create-encoder.js';
    import { findLibraryFolders } from '#dist/encoder/tensorrt/find-libraries.js';
    import { loadVae } from '#dist/index.js';
    import { loadBinding } from '#dist/native/load.js';
    const binding = loadBinding();
    const search = findLibraryFolders();
    const weights = await loadVae(${JSON.stringify(vae)}, { model: 'sdxl' });
    const free = async () => (await binding.cudaMemGetInfo(0, search)).free;
    const round = async (side, count) => {
      const options = { precision: 'fp32', engineFolder: ${JSON.stringify(`${folder}/engines`)} };
      const encoder = await createTensorrtEncoder(weights, options);
      const images = Array.from({ length: count }, () => new Uint8Array(side * side * 3));
      await encoder.encodeBatch({ images, width: side, height: side });
      const during = await free();
      await encoder.dispose();
      return during;
    };
    await round(512, 1);
    const first = await free();
    let least = Infinity;
    for (let i = 0; i < 100; i++) least = Math.min(least, await round(i % 2 ? 512 : 1024, 1 + (i % 8)));
    console.log(JSON.stringify({ first, least, last: await free() }));`,
    { LC_FAKE_TRT: 'pixel_bytes=256,run_us=0' },
  );
  const { first, least, last } = result;
  assert.ok(first - least > 500 * MIB, `the runs took only ${mib(first - least)}`);
  assert.ok(Math.abs(first - last) <= 2 * MIB, `free before ${first}, after ${last}`);
  return `100 devices opened and closed, up to ${mib(first - least)} held; free after, less before: ${last - first} bytes`;
}

/** Waits until the card uses no more than that. */
export async function usedFallsTo(bytes, seconds) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const { usedBytes } = await card();
    if (usedBytes <= bytes) return usedBytes;
    assert.ok(Date.now() < end, `${mib(usedBytes)} are still used, ${mib(bytes)} were before`);
    await sleep(100);
  }
}
