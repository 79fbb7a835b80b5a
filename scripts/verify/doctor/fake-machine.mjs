// A machine in memory, for runDoctor: files and devices by path, and what the probed libraries answer.
import path from 'node:path';

/**
 * @param files path → text, or { text, kind, mode, userId, groupId, closed, realPath, freeBytes }; folders that they need are
 * made, with the mode 0755 and owner 1000
 */
export function fakeMachine({ files = {}, ...about }) {
  const tree = new Map();
  for (const [file, given] of Object.entries(files)) {
    const entry = typeof given === 'string' ? { text: given } : given;
    tree.set(file, { kind: 'file', mode: 0o644, userId: 1000, groupId: 1000, ...entry });
    for (let at = path.dirname(file); !tree.has(at); at = path.dirname(at)) {
      tree.set(at, { kind: 'folder', mode: 0o755, userId: 1000, groupId: 1000 });
    }
  }
  return {
    env: {},
    platform: 'linux',
    architecture: 'x64',
    nodeVersion: '22.12.0',
    workingFolder: '/work',
    homeFolder: '/home/me',
    userId: 1000,
    processors: 8,
    ...about,
    read: (file) => tree.get(file)?.text,
    list: (folder) =>
      [...tree.keys()]
        .filter((file) => file !== folder && path.dirname(file) === folder)
        .map((file) => path.basename(file)),
    look(file) {
      const entry = tree.get(file);
      if (entry === undefined) return undefined;
      const { kind, mode, userId, groupId } = entry;
      return { kind, mode, userId, groupId };
    },
    mayUse: (file) => tree.has(file) && tree.get(file).closed !== true,
    realPath: (file) => (tree.has(file) ? (tree.get(file).realPath ?? file) : undefined),
    freeBytes: (folder) => tree.get(folder)?.freeBytes ?? 500 * 2 ** 30,
  };
}

/** Answers by kind; modules and plug-ins by their name or file name. */
export function fakeProbe(outcomes) {
  return async (request) => {
    const key = { module: request.name, plugin: request.plugin && path.basename(request.plugin) }[
      request.kind
    ];
    const outcome = outcomes[key ?? request.kind];
    if (outcome === undefined) throw new Error(`nobody said what ${key ?? request.kind} answers`);
    return outcome;
  };
}

export const answer = (value) => ({ kind: 'answer', value });
export const error = (code, message) => ({ kind: 'error', error: { code, message } });
export const crash = { kind: 'crash', how: 'was ended by SIGSEGV', output: '' };
export const hang = { kind: 'hang', seconds: 30, output: '' };
