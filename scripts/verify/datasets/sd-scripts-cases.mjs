// Data sets as users of sd-scripts have them: files, the command line of latent-cache, that of the trainer.

const REAL_TOML = `
[general]
enable_bucket = true
shuffle_caption = true
caption_extension = ".txt"
keep_tokens = 1

[[datasets]]
resolution = 128
min_bucket_reso = 64
max_bucket_reso = 256
bucket_reso_steps = 64
batch_size = 4

  [[datasets.subsets]]
  image_dir = "photos"
  num_repeats = 10

  [[datasets.subsets]]
  image_dir = "faces"
  num_repeats = 2
  flip_aug = true

[[datasets]]
resolution = [256, 192]
min_bucket_reso = 64
max_bucket_reso = 512
bucket_reso_steps = 32
bucket_no_upscale = true

  [[datasets.subsets]]
  image_dir = "photos"
  is_reg = false

[[datasets]]
resolution = 128
enable_bucket = false

  [[datasets.subsets]]
  image_dir = "plain masks"
  alpha_mask = true
`;

/** One resolution for each folder: what 0.10 can do with SD and SDXL. */
const ONE_RESOLUTION = REAL_TOML.replace(
  'image_dir = "photos"\n  is_reg = false',
  'image_dir = "other"',
).replace('bucket_reso_steps = 32', 'bucket_reso_steps = 64');

/** A folder as it is and again by a list, which wants more of its images. */
const SHARED = `
[general]
enable_bucket = true
min_bucket_reso = 64
max_bucket_reso = 256
resolution = 128

[[datasets]]
  [[datasets.subsets]]
  image_dir = "faces"
  flip_aug = true

[[datasets]]
  [[datasets.subsets]]
  image_dir = "faces"
  metadata_file = "faces.json"
  alpha_mask = true
`;

const METADATA = {
  'faces/left': { caption: 'a face', image_size: [240, 320], train_resolution: [128, 128] },
  'faces/right.jpg': { tags: 'face, smile', image_size: [201, 300] },
  'photos/cat': { caption: 'a cat', image_size: [300, 200] },
};

const IMAGES = {
  'photos/cat.png': [300, 200],
  'photos/dog.with.dots.jpg': [210, 300],
  'photos/ema ü.webp': [256, 256],
  'photos/extended.webp': [257, 320],
  'photos/turned.jpg': [320, 240],
  'photos/Ignored.Png': [256, 256],
  'photos/.hidden.png': [256, 256],
  'photos/sub/deep.png': [256, 256],
  'faces/left.png': [240, 320],
  'faces/right.jpg': [201, 300],
  'other/big.png': [700, 500],
  'other/square.bmp': [128, 128],
  'plain masks/mask.png': [200, 150],
  'plain masks/opaque.jpg': [150, 200],
};

const config = (name, model, toml, more = {}) => ({
  name,
  model,
  vae: VAE_OF[model],
  images: IMAGES,
  texts: {
    'data.toml': toml,
    'metadata.json': JSON.stringify(METADATA),
    'faces.json': JSON.stringify({ 'left.png': { image_size: [240, 320] } }),
  },
  build: ['--dataset-config', 'data.toml', ...(more.build ?? [])],
  words: ['--dataset_config', 'data.toml'],
  ...more.case,
});

const VAE_OF = {
  sd: 'sd',
  sdxl: 'sd',
  sd3: 'kl16',
  flux: 'kl16',
  chroma: 'kl16',
  lumina: 'kl16',
  'hunyuan-image': 'hunyuan',
  anima: 'qwen',
};

const folderCase = (name, build, words, model = 'sdxl') => ({
  name,
  model,
  vae: VAE_OF[model],
  images: Object.fromEntries(
    Object.entries(IMAGES).map(([file, size]) => [
      file.replace(/^photos/, '10_photo').replace(/^faces/, '2_face'),
      size,
    ]),
  ),
  texts: {},
  build,
  words,
});

const BUCKETS = [
  '--resolution',
  '128',
  '--enable-bucket',
  '--min-bucket-reso',
  '64',
  '--max-bucket-reso',
  '256',
];
const WORDS = BUCKETS.map((word) => (word.startsWith('--') ? word.replaceAll(/(?<=\w)-/g, '_') : word));

/** `versions`: which of the trainer's the case is for. */
export const SD_SCRIPTS_CASES = [
  ...['sd3', 'flux', 'chroma', 'lumina', 'hunyuan-image', 'anima'].map((model) =>
    config(`${model}, three data sets, two resolutions`, model, REAL_TOML),
  ),
  config('sdxl, three data sets', 'sdxl', ONE_RESOLUTION),
  config('sd, three data sets', 'sd', ONE_RESOLUTION),
  config('sd for train_db.py', 'sd', ONE_RESOLUTION, {
    build: ['--suffix', 'sdxl'],
    case: { suffix: 'sdxl' },
  }),
  config('sdxl, two resolutions of one folder', 'sdxl', REAL_TOML.replace('steps = 32', 'steps = 64'), {
    case: { versions: ['new'] },
  }),
  config(
    'sdxl, names of 0.9',
    'sdxl',
    ONE_RESOLUTION.replaceAll('"other"', '"faces"')
      .replace('bucket_no_upscale = true', '')
      .replace(/\[\[datasets\]\]\nresolution = \[256, 192\][\s\S]*?(?=\[\[datasets\]\])/, ''),
    {
      build: ['--legacy-name', '--webp-size', 'decoded'],
      case: { versions: ['old', 'main', 'new'] },
    },
  ),
  folderCase(
    'sdxl, folders with repeats',
    ['--train-data-dir', '.', ...BUCKETS],
    ['--train_data_dir', '.', ...WORDS],
  ),
  config('sdxl, a folder and a list of it', 'sdxl', SHARED),
  {
    ...config('sdxl, metadata', 'sdxl', ''),
    build: ['--train-data-dir', '.', '--in-json', 'metadata.json', ...BUCKETS, '--flip-aug'],
    words: ['--train_data_dir', '.', '--in_json', 'metadata.json', ...WORDS, '--flip_aug'],
  },
].map((each) => ({ versions: ['main', 'new'], ...each }));
