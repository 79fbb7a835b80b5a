/** Keeps account of the devices that encoders open, to ask them for their counters when their encoders are gone. */
import type { DeviceCounters, NativeBinding, NativeDevice } from '../native/binding.js';

export interface DeviceWatch {
  /** The same binding, but watched. */
  readonly binding: NativeBinding;
  /** Of each device opened so far. */
  counters(): readonly DeviceCounters[];
}

export function watchDevices(binding: NativeBinding): DeviceWatch {
  const devices: NativeDevice[] = [];
  const watched: NativeBinding = Object.assign(Object.create(binding) as NativeBinding, {
    openDevice: async (...given: Parameters<NativeBinding['openDevice']>) => {
      const device = await binding.openDevice(...given);
      devices.push(device);
      return device;
    },
  });
  return { binding: watched, counters: () => devices.map((device) => device.counters()) };
}
