/** The entry of the process that builds one engine; see `compile-engine.ts`. */
import { loadBinding } from '../../native/load.js';
import { serveBuild } from './serve-build.js';

serveBuild(loadBinding());
