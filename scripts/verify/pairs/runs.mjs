// Which command lines are run: every trainer with every model that it has, and every way of naming and storing.

const BUCKETS = {
  resolution: [128, 128],
  buckets: true,
  min: 64,
  max: 256,
  steps: 64,
  no_upscale: false,
  flip_aug: false,
  alpha_mask: false,
};
const WITH_ALL = { ...BUCKETS, flip_aug: true, alpha_mask: true };
const PLAIN = { ...BUCKETS, steps: 32, no_upscale: true };

const OTHERS = ['ai-toolkit', 'safetensors'];
const ALL = ['sd-scripts', ...OTHERS];

/** [model, VAE, formats] */
const MODELS = [
  ['sd', 'sd', ALL],
  ['sdxl', 'sd', ALL],
  ['sd3', 'kl16', ALL],
  ['flux', 'kl16', ALL],
  ['chroma', 'kl16', ALL],
  ['lumina', 'kl16', ALL],
  ['hunyuan-image', 'hunyuan', ['sd-scripts', 'safetensors']],
  ['anima', 'qwen', ALL],
  ['z-image', 'kl16', ['musubi', ...OTHERS]],
  ['flux-kontext', 'kl16', OTHERS],
  ['flux2', 'flux2', ['musubi', ...OTHERS]],
  ['flux2-klein-4b', 'flux2', ['musubi', ...OTHERS]],
  ['flux2-klein-9b', 'flux2', ['musubi', ...OTHERS]],
  ['qwen-image', 'qwen-bf16', ['musubi', ...OTHERS]],
  ['krea2', 'qwen', ['musubi', ...OTHERS]],
];

const kontext = (variant, options) =>
  run('flux-kontext', 'kl16', ['musubi'], variant, { ...options, controls: true });

const run = (model, vae, formats, variant, options) => ({ model, vae, formats, variant, options });

function variants() {
  const sd = (model, variant, options) =>
    run(model, 'sd', ['sd-scripts'], variant, { ...WITH_ALL, ...options });
  return [
    sd('sd', 'legacy name', { legacy: true }),
    sd('sdxl', 'legacy name', { legacy: true }),
    sd('sd', 'keys with sizes', { sized: true }),
    sd('sdxl', 'keys with sizes', { sized: true }),
    sd('sd', '--suffix sdxl, for train_db.py', { suffix: 'sdxl' }),
    sd('sdxl', 'float16', { dtype: 'float16' }),
    run('z-image', 'kl16', ['musubi'], 'no buckets', {
      ...PLAIN,
      buckets: false,
      no_upscale: false,
      resolution: [128, 96],
    }),
    run('flux', 'kl16', ['sd-scripts', 'safetensors'], 'no buckets', {
      ...PLAIN,
      buckets: false,
      no_upscale: false,
      resolution: [128, 96],
    }),
    kontext('control_directory', BUCKETS),
    kontext('control_directory, no upscale', PLAIN),
    run('sdxl', 'sd', ['ai-toolkit'], 'float32', { ...WITH_ALL, alpha_mask: false, dtype: 'float32' }),
  ];
}

/** What `npm test` runs: each way of storing once. */
const LEAN = ['sdxl', 'flux', 'hunyuan-image', 'z-image', 'flux2', 'qwen-image'];

export function listRuns(lean) {
  if (lean) {
    const some = MODELS.filter(([model]) => LEAN.includes(model));
    return [
      ...some.map(([model, vae, formats]) => run(model, vae, formats, 'flip, mask', WITH_ALL)),
      variants()[0],
    ];
  }
  return [
    ...MODELS.flatMap(([model, vae, formats]) => [
      run(model, vae, formats, 'flip, mask', WITH_ALL),
      // SD has steps of 64 alone, below which an image has no bucket.
      run(model, vae, formats, ...(model === 'sd' ? ['buckets', BUCKETS] : ['no upscale', PLAIN])),
    ]),
    ...variants(),
  ];
}

/** As musubi-tuner takes it: the images and, with the same names, those that they are made from. */
export function datasetConfig({ folder, options }) {
  const { resolution, buckets, no_upscale } = options;
  return `[[datasets]]
image_directory = ${JSON.stringify(folder)}
control_directory = ${JSON.stringify(`${folder}-controls`)}
caption_extension = ".txt"
resolution = [${resolution.join(', ')}]
enable_bucket = ${buckets}
bucket_no_upscale = ${no_upscale}
`;
}

/** The same options in the words of the command line. */
export function commandLine({ model, formats, options }) {
  const { resolution, buckets, min, max, steps, no_upscale, flip_aug, alpha_mask } = options;
  const bucketsOfSdScripts = formats.some((format) => format === 'sd-scripts' || format === 'safetensors');
  const words = (condition, ...list) => (condition ? list : []);
  return [
    ...['--model', model, '--format', formats.join(','), '--resolution', resolution.join(',')],
    ...words(buckets, '--enable-bucket'),
    ...words(bucketsOfSdScripts, '--min-bucket-reso', String(min), '--max-bucket-reso', String(max)),
    ...words(bucketsOfSdScripts, '--bucket-reso-steps', String(steps)),
    ...words(no_upscale, '--bucket-no-upscale'),
    ...words(flip_aug, '--flip-aug'),
    ...words(alpha_mask, '--alpha-mask'),
    ...words(options.legacy, '--legacy-name'),
    ...words(options.sized, '--multi-resolution-keys'),
    ...words(options.suffix, '--suffix', options.suffix),
    ...words(options.dtype, '--dtype', options.dtype),
  ];
}
