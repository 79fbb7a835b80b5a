// Data sets as users of musubi-tuner and ai-toolkit have them.

const MUSUBI_TOML = `
[general]
resolution = [160, 96]
caption_extension = ".txt"
batch_size = 2
enable_bucket = true

[[datasets]]
image_directory = "photos"
cache_directory = "cache/photos"
num_repeats = 3

[[datasets]]
image_directory = "faces"
resolution = 128
bucket_no_upscale = true

[[datasets]]
image_jsonl_file = "list.jsonl"
cache_directory = "cache/list"
enable_bucket = false
resolution = [128, 96]
`;

const IMAGES = {
  'photos/cat.png': [300, 200],
  'photos/dog.with.dots.jpg': [210, 300],
  'photos/ema ü_1.webp': [256, 256],
  'photos/small mask.png': [61, 47],
  'photos/turned.jpg': [320, 240],
  'photos/bare.png': [256, 256],
  'photos/Ignored.Png': [256, 256],
  'photos/sub/deep.png': [256, 256],
  'faces/left.png': [240, 320],
  'faces/tiny.png': [100, 40],
  'elsewhere/far.png': [240, 320],
};
const CAPTIONS = Object.fromEntries(
  Object.keys(IMAGES)
    .filter((name) => !name.includes('bare'))
    .map((name) => [name.replace(/\.\w+$/, '.txt'), 'a picture']),
);
const LIST = ['elsewhere/far.png', 'photos/cat.png']
  .map((image) => JSON.stringify({ image_path: image, caption: 'x' }))
  .join('\n');

const VAES = {
  'qwen-image': 'qwen-bf16',
  krea2: 'qwen',
  'z-image': 'kl16',
  flux2: 'flux2',
  'flux2-klein-4b': 'flux2',
  'flux2-klein-9b': 'flux2',
};

const AI_TOOLKIT_VAES = {
  sd: 'sd',
  sdxl: 'sd',
  sd3: 'kl16',
  flux: 'kl16',
  chroma: 'kl16',
  lumina: 'kl16',
  anima: 'qwen',
  'flux-kontext': 'kl16',
  ...VAES,
};
const PLACES = [
  '_controls/cat.png',
  'deeper/_controls/cat.png',
  'deeper/.hidden/cat.png',
  'deeper/er/SMALL.JPEG',
];

/** Each image with the one that it is made from. */
const CONTROLS = {
  'controls/photos/cat.png': [300, 200],
  'controls/photos/dog.with.dots.png': [500, 400],
  'controls/photos/ema ü_1.webp': [64, 64],
  'controls/photos/small mask.png': [61, 47],
  'controls/photos/turned_0.jpg': [320, 240],
  'controls/faces/left.png': [100, 320],
  'controls/faces/tiny.png': [100, 40],
};
const KONTEXT_TOML = MUSUBI_TOML.replace(
  '"cache/photos"',
  '"cache/photos"\ncontrol_directory = "controls/photos"',
).replace('bucket_no_upscale = true', 'bucket_no_upscale = true\ncontrol_directory = "controls/faces"');
const KONTEXT_LIST = ['elsewhere/far.png', 'photos/cat.png']
  .map((image) =>
    JSON.stringify({ image_path: image, control_path: 'controls/faces/left.png', caption: 'x' }),
  )
  .join('\n');

export const OTHER_CASES = [
  {
    trainer: 'musubi',
    name: 'musubi-tuner flux-kontext, three data sets with control images',
    model: 'flux-kontext',
    vae: 'kl16',
    images: { ...IMAGES, ...CONTROLS },
    texts: { ...CAPTIONS, 'data.toml': KONTEXT_TOML, 'list.jsonl': KONTEXT_LIST },
    build: ['--dataset-config', 'data.toml'],
    config: 'data.toml',
  },
  ...Object.entries(VAES).map(([model, vae]) => ({
    trainer: 'musubi',
    name: `musubi-tuner ${model}, three data sets`,
    model,
    vae,
    images: IMAGES,
    texts: { ...CAPTIONS, 'data.toml': MUSUBI_TOML, 'list.jsonl': LIST },
    build: ['--dataset-config', 'data.toml'],
    config: 'data.toml',
  })),
  ...Object.entries(AI_TOOLKIT_VAES).map(([model, vae]) => ({
    trainer: 'ai-toolkit',
    name: `ai-toolkit ${model}, two resolutions, flipped`,
    model,
    vae,
    images: { ...IMAGES, ...Object.fromEntries(PLACES.map((place) => [place, [90, 60]])) },
    texts: {},
    build: ['.', '--format', 'ai-toolkit', '--resolution', '128', '--resolution', '96', '--flip-aug'],
    resolutions: [128, 96],
  })),
];
