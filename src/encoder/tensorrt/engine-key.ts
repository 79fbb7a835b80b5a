import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import type { EngineShape } from '../../native/binding.js';

const { version } = createRequire(import.meta.url)('../../../package.json') as { version: string };

/** Everything that a compiled engine depends on. */
export interface EngineIdentity {
  /** `CudaDevice.attributes`, not the name of the GPU: equal names do not mean equal hardware. */
  readonly attributes: string;
  /** `BackendInfo.runtime`: the exact version of TensorRT. */
  readonly runtime: string;
  /** The ONNX model, without weights. */
  readonly graph: Uint8Array;
  /** Names the values of all weights. */
  readonly weights: string;
  /** Our own names: numbers of TensorRT's enums change between versions. */
  readonly flags: readonly string[];
  readonly minimum: EngineShape;
  readonly optimum: EngineShape;
  readonly maximum: EngineShape;
}

/** SHA-256, hex: equal keys, exchangeable engines. */
export function engineKey(identity: EngineIdentity): string {
  const shape = ({ count, height, width }: EngineShape) => [count, height, width];
  const parts = [
    version,
    identity.attributes,
    identity.runtime,
    createHash('sha256').update(identity.graph).digest('hex'),
    identity.weights,
    [...identity.flags].sort(),
    [identity.minimum, identity.optimum, identity.maximum].map(shape),
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
