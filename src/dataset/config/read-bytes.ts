import { isUtf8 } from 'node:buffer';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { systemErrorCode } from '../../errors.js';
import { refuseConfig } from './findings.js';

/**
 * All of a text file, which must be UTF-8.
 *
 * @throws LatentCacheError `ERR_DATASET_CONFIG`
 */
export async function readTextBytes(file: string, limit: number): Promise<Buffer> {
  const bytes = await readAtMost(file, limit);
  if (bytes.length > limit) {
    refuseConfig(
      file,
      `the file is larger than ${limit} bytes`,
      'Check that it is the right file; a large list of images can be split.',
    );
  }
  if (!isUtf8(bytes)) refuseConfig(file, 'the file is not UTF-8 text', 'Save it as UTF-8.');
  return bytes;
}

/** One byte more than the limit at most: neither a device nor a file that grows is read to its end. */
async function readAtMost(file: string, limit: number): Promise<Buffer> {
  try {
    // not to wait for the other end of a pipe
    await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const facts = await handle.stat();
    if (!facts.isFile()) {
      refuseConfig(file, 'it is not a file', 'Give the file itself, not its folder.');
    }
    const bytes = Buffer.allocUnsafe(Math.min(facts.size, limit) + 1);
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await handle.read(bytes, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return bytes.subarray(0, length);
  } catch (cause) {
    const code = systemErrorCode(cause);
    if (code === undefined || code === 'ERR_DATASET_CONFIG') throw cause;
    return refuseConfig(
      file,
      { ENOENT: 'the file does not exist', EACCES: 'the file may not be read' }[code] ?? String(cause),
      'Check the path; a relative one counts from the current folder.',
      cause,
    );
  }
}
