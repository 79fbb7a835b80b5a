import { homedir } from 'node:os';
import path from 'node:path';

/** `$XDG_CACHE_HOME/latent-cache`, with `~/.cache` where that is not set. */
export function userCacheFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const configured = env.XDG_CACHE_HOME;
  // a relative path in XDG_CACHE_HOME is to be ignored, says its specification
  const base =
    configured !== undefined && path.isAbsolute(configured) ? configured : path.join(homedir(), '.cache');
  return path.join(base, 'latent-cache');
}
