// The result of verify:pairs for people.

const TITLES = {
  'sd-scripts': 'sd-scripts',
  musubi: 'musubi-tuner',
  'ai-toolkit': 'ai-toolkit',
  safetensors: 'own format',
};

/** One line for each trainer, model and variant. */
export function markdownTable(rows) {
  const lines = [...rows]
    .sort((a, b) => order(a) - order(b))
    .map(({ trainer, model, variant, files, example, keys, stored, faults }) => {
      const cells = [
        TITLES[trainer],
        `\`${model}\``,
        variant,
        `\`${example}\``,
        keys.map((key) => `\`${key}\``).join(' '),
        stored.join('; '),
        faults.length === 0 ? `${files} of ${files}` : `${faults.length} faults`,
      ];
      return `| ${cells.join(' | ')} |`;
    });
  return [
    '| trainer | model | options | a file | key | stored | files accepted |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...lines,
    '',
  ].join('\n');
}

function order({ trainer }) {
  return Object.keys(TITLES).indexOf(trainer);
}
