// Changes of JSON values that keep them JSON, so that a parser gets past its first step.
import { boundaryText } from './bytes.mjs';

/** Written into the text as it is: numbers that JSON.stringify would not write. */
class Raw {
  constructor(text) {
    this.text = text;
  }
}

function leaf(random, words) {
  return random.pick([
    () => null,
    () => random.chance(0.5),
    () => new Raw(boundaryText(random)),
    () => new Raw(String(random.below(1 << 16))),
    () => random.pick([...words, '']),
    () => '\u0000\ud800"\\'.slice(random.below(4)),
    () => [],
    () => ({}),
    () => nested(random),
  ])();
}

function nested(random) {
  let value = null;
  for (let depth = 2 ** random.below(12); depth > 0; depth--)
    value = random.chance(0.5) ? [value] : { a: value };
  return value;
}

/** Every object and list inside a value, itself first. */
function containers(value, found = []) {
  if (typeof value !== 'object' || value === null || value instanceof Raw || found.length > 1000)
    return found;
  found.push(value);
  for (const child of Object.values(value)) containers(child, found);
  return found;
}

function changeOnce(root, random, words) {
  const all = containers(root);
  const place = random.pick(all);
  const keys = Object.keys(place);
  const key = random.pick(keys.length > 0 ? keys : ['a']);
  switch (random.below(6)) {
    case 0:
      if (Array.isArray(place)) place.splice(Number(key) || 0, 1);
      else delete place[key];
      break;
    case 1:
      place[Array.isArray(place) ? place.length : random.pick([...words, '__proto__', 'constructor', ''])] =
        leaf(random, words);
      break;
    case 2:
      // copied: a value inside itself would have no end
      place[key] = structuredCloneRaw(random.pick(all));
      break;
    case 3:
      if (Array.isArray(place)) place.push(...place.slice(0, 64));
      else place[`${key}x`] = place[key];
      break;
    default:
      place[key] = leaf(random, words);
  }
}

function structuredCloneRaw(value) {
  if (typeof value !== 'object' || value === null || value instanceof Raw) return value;
  if (Array.isArray(value)) return value.map(structuredCloneRaw);
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, structuredCloneRaw(child)]));
}

function stringify(value) {
  if (value instanceof Raw) return value.text;
  if (Array.isArray(value)) return `[${value.map(stringify).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  return `{${Object.entries(value)
    .map(([key, child]) => `${JSON.stringify(key)}:${stringify(child)}`)
    .join(',')}}`;
}

/** Text of JSON, changed; now and then a key occurs twice. Text that is no JSON comes back as it is. */
export function changeJson(text, random, words) {
  let root;
  try {
    root = JSON.parse(text);
  } catch {
    return text;
  }
  if (typeof root !== 'object' || root === null) root = { a: root };
  for (let left = 1 + random.below(4); left > 0; left--) {
    try {
      changeOnce(root, random, words);
    } catch {
      return text; // too deep, or a key that cannot be set
    }
  }
  try {
    const result = stringify(root);
    return random.chance(0.05) && result.startsWith('{') && result.length > 2
      ? `${result.slice(0, -1)},${result.slice(1)}`
      : result;
  } catch {
    return text;
  }
}
