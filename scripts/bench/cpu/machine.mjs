import { cpus, loadavg } from 'node:os';
import { dist } from './dist.mjs';

const { usableProcessors } = await dist('encoder/processors.js');

export const processors = usableProcessors();

/** What the measurement runs on, for the first line of a report. */
export function machine() {
  return { cpu: cpus()[0].model, processors, load: loadavg()[0] };
}

/** "CPU, 2 processors", with a warning where other programs are running. */
export function describeMachine({ cpu, load }) {
  const others = load > 0.5 ? `; others are running (load ${load.toFixed(1)}): times are too long` : '';
  return `${cpu}, ${processors === 1 ? '1 processor' : `${processors} processors`}${others}`;
}
