import { createRequire } from 'node:module';

/** Of this package. */
export const { version: PACKAGE_VERSION } = createRequire(import.meta.url)('../package.json') as {
  version: string;
};
