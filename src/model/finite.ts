/** Whether no value is NaN or infinite. */
export function allFinite(values: Float32Array): boolean {
  // finite · 0 is 0, anything else · 0 is NaN and stays so in the sum: no branch for each value
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * 0;
  return sum === 0;
}
