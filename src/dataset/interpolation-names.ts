/** As sd-scripts names them; `linear` and `cubic` are second names. */
export const INTERPOLATION_NAMES = [
  'area',
  'lanczos',
  'box',
  'bilinear',
  'linear',
  'bicubic',
  'cubic',
  'nearest',
] as const;

export type InterpolationName = (typeof INTERPOLATION_NAMES)[number];
