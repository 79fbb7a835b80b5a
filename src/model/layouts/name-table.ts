/**
 * Renaming by tables of whole names: `'encoder.down.{i}.block.{j}.conv1': 'encoder.downsamples.{n}.residual.2'`. The
 * first entry that matches a whole module name decides; a name that no entry matches stays as it is.
 *
 * {i} is a level and {j} a block, any other word in braces one segment. On the right, {n} is the place in a list that
 * runs through all levels, with the blocks of a level and then its downsampling as entries, {n+1} the next place, and
 * {end} the place behind that list, counted from 1.
 */
export type NameTable = Readonly<Record<string, string>>;

interface Entry {
  readonly pattern: RegExp;
  readonly target: string;
}

export type Renamer = (module: string, blocksPerLevel: readonly number[]) => string;

export function renamer(table: NameTable): Renamer {
  const entries: Entry[] = Object.entries(table).map(([source, target]) => ({
    pattern: patternOf(source),
    target,
  }));
  return (module, blocksPerLevel) => {
    for (const { pattern, target } of entries) {
      const match = pattern.exec(module);
      if (match !== null) return fill(target, match.groups ?? {}, blocksPerLevel);
    }
    return module;
  };
}

function patternOf(source: string): RegExp {
  const body = source
    .split(/(\{\w+\})/)
    .map((piece) => {
      const word = /^\{(\w+)\}$/.exec(piece)?.[1];
      if (word === undefined) return piece.replaceAll('.', '\\.');
      return word === 'i' || word === 'j' ? `(?<${word}>\\d+)` : `(?<${word}>[^.]+)`;
    })
    .join('');
  return new RegExp(`^${body}$`);
}

function fill(
  target: string,
  groups: Readonly<Record<string, string>>,
  blocksPerLevel: readonly number[],
): string {
  return target.replace(/\{([\w+]+)\}/g, (_, word: string) => {
    if (word === 'n') return String(placeOf(groups, blocksPerLevel));
    if (word === 'n+1') return String(placeOf(groups, blocksPerLevel) + 1);
    if (word === 'end') return String(blocksPerLevel.reduce((sum, blocks) => sum + blocks + 1, 0));
    return groups[word]!;
  });
}

/** Without a block, of the downsampling behind the level's blocks. */
function placeOf({ i, j }: Readonly<Record<string, string>>, blocksPerLevel: readonly number[]): number {
  const level = Number(i);
  const before = blocksPerLevel.slice(0, level).reduce((sum, blocks) => sum + blocks + 1, 0);
  return before + (j === undefined ? blocksPerLevel[level]! : Number(j));
}
