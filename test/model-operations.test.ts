import { describe, expect, it } from 'vitest';
import { SD_ENCODER } from '#dist/model/architecture.js';
import { encoderOperations } from '#dist/model/operations.js';
import { layersOf } from '#dist/model/topology.js';

describe('operations of the SDXL encoder', () => {
  // counted by an independent script (performance note, appendix A), in 10^12
  it.each([
    [512, 1.117],
    [768, 2.609],
    [1024, 4.879],
    [1536, 12.52],
    [2048, 26.11],
  ])('at %i² pixels are those of the layers', (side, expected) => {
    const operations = encoderOperations(layersOf(SD_ENCODER), { width: side, height: side });
    expect(operations / 1e12).toBeCloseTo(expected, expected < 10 ? 3 : 2);
  });
});
