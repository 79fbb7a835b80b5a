/** Names of the tiny encoders: places in one list. */
import type { NameTable } from './name-table.js';

export const TINY_TAESD: NameTable = inList('');

export const TINY_DIFFUSERS: NameTable = inList('encoder.layers.');

function inList(prefix: string): NameTable {
  return {
    'encoder.conv_in': `${prefix}0`,
    'encoder.down.{i}.block.{j}.conv1': `${prefix}{n+1}.conv.0`,
    'encoder.down.{i}.block.{j}.conv2': `${prefix}{n+1}.conv.2`,
    'encoder.down.{i}.block.{j}.conv3': `${prefix}{n+1}.conv.4`,
    'encoder.down.{i}.downsample.conv': `${prefix}{n+1}`,
    'encoder.conv_out': `${prefix}{end}`,
  };
}
