// Locks the folder of its argument, says so, and holds it until it is killed.
import { FolderLocks } from '#dist/manifest/folder-locks.js';
import { loadBinding } from '#dist/native/load.js';

const [, , folder, recursive] = process.argv;
await FolderLocks.take([folder], [], recursive === 'recursive', loadBinding());
process.stdout.write('locked\n');
setInterval(() => {}, 1000);
