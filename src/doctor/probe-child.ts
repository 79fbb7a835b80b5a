/** The process of one probe. Whatever the library under it does to the process, the parent goes on. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { toPlainError } from '../encoder/plain-error.js';
import { asLatentCacheError, LatentCacheError, systemErrorCode } from '../errors.js';
import type { NativeBinding } from '../native/binding.js';
import { loadBinding } from '../native/load.js';
import type { CudaAnswer, ModuleAnswer, ModuleName, ProbeMessage, ProbeRequest } from './probe-messages.js';

const require = createRequire(import.meta.url);

async function ask(request: ProbeRequest): Promise<unknown> {
  switch (request.kind) {
    case 'addon':
      return { instructionSet: loadBinding().instructionSet() };
    case 'module':
      return loadModule(request.name);
    case 'nvml':
      return loadBinding().nvmlStatus({ libraryFolders: request.libraryFolders });
    case 'cuda':
      return askCuda(loadBinding(), request);
    case 'plugin':
      return loadBinding().probeBackend(request);
  }
}

async function askCuda(
  binding: NativeBinding,
  { libraryFolders, device }: Extract<ProbeRequest, { kind: 'cuda' }>,
): Promise<CudaAnswer> {
  const search = { libraryFolders };
  const status = await binding.cudaStatus(search);
  if (status.devices.every(({ index }) => index !== device)) {
    return { status, memory: null, memoryError: null };
  }
  try {
    return { status, memory: await binding.cudaMemGetInfo(device, search), memoryError: null };
  } catch (thrown) {
    const memoryError = toPlainError(asLatentCacheError(thrown, 'ERR_ENCODER'));
    return { status, memory: null, memoryError };
  }
}

function loadModule(name: ModuleName): ModuleAnswer {
  // onnxruntime keeps a device id and a log for its maker unless told not to
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
  try {
    require.resolve(name);
  } catch (thrown) {
    return { version: null, problem: 'missing', reason: reasonOf(thrown) };
  }
  try {
    require(name);
    return { version: versionOf(name), problem: null, reason: null };
  } catch (thrown) {
    return { version: versionOf(name), problem: 'broken', reason: reasonOf(thrown) };
  }
}

/** Its package.json may be closed to `require`. */
function versionOf(name: string): string | null {
  try {
    for (let folder = path.dirname(require.resolve(name)); folder !== '/'; folder = path.dirname(folder)) {
      const file = path.join(folder, 'package.json');
      if (!existsSync(file)) continue;
      const about = JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version?: string };
      if (about.name === name) return about.version ?? null;
    }
  } catch {
    // it is only for the report
  }
  return null;
}

/** The first lines: what follows is Node's stack of requires, or advice for other systems. */
function reasonOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return text.split('\n').slice(0, 2).join(' ').trim();
}

function answer(message: ProbeMessage): void {
  process.send?.(message);
}

process.on('message', (request: ProbeRequest) => {
  ask(request).then(
    (value) => answer({ kind: 'answer', value }),
    (thrown: unknown) => {
      const code = systemErrorCode(thrown);
      const error =
        thrown instanceof LatentCacheError
          ? thrown
          : new LatentCacheError('ERR_ENCODER', `${code === undefined ? '' : `${code}: `}${String(thrown)}`);
      answer({ kind: 'error', error: toPlainError(error) });
    },
  );
});
// A library that hangs in a thread would keep the process: exit() waits for it.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
