/** Whether no value is NaN or infinite. */
export function allFinite(values: Float32Array): boolean {
  // finite · 0 is 0, anything else · 0 is NaN and stays so in the sum: no branch for each value
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * 0;
  return sum === 0;
}

/**
 * No latent has a value beyond this. Scaling factors are 1 / (standard deviation over real images): 5.5 for SD
 * (0.18215), 7.7 for SDXL (0.13025), and less for the models that store scaled latents. 1000 is 130 deviations: not an
 * unusual image, but an encoder that went wrong.
 */
export const MAX_LATENT_MAGNITUDE = 1000;

/** The first value that no latent has: NaN, infinite or beyond `MAX_LATENT_MAGNITUDE`; undefined when all are fine. */
export function absurdMagnitude(values: Float32Array | Float64Array): number | undefined {
  // NaN compares false
  for (let i = 0; i < values.length; i++)
    if (!(Math.abs(values[i]!) <= MAX_LATENT_MAGNITUDE)) return values[i];
  return undefined;
}
