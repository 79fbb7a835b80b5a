// Tells its parent the tag of its process and stays.
import { OWNER_TAG } from '#dist/cache/process-owner.js';

process.send(OWNER_TAG);
process.on('disconnect', () => process.exit());
