/** How a distribution installs NVIDIA's driver. */
import type { Remedy } from './report.js';
import type { System } from './system.js';

const REBOOT = 'Then restart the machine.';

/**
 * Debian, Ubuntu and Fedora (with RPM Fusion) as their own pages say; Arch since its packages follow driver 590, which
 * needs Turing or newer, as TensorRT does.
 */
const COMMANDS: readonly { readonly id: string; readonly command: string; readonly before?: string }[] = [
  { id: 'ubuntu', command: 'sudo apt install ubuntu-drivers-common && sudo ubuntu-drivers install' },
  {
    id: 'debian',
    command: 'sudo apt install linux-headers-amd64 nvidia-driver',
    before: "Add 'contrib non-free non-free-firmware' to the sources of apt and run 'sudo apt update'.",
  },
  {
    id: 'fedora',
    command: 'sudo dnf install akmod-nvidia xorg-x11-drv-nvidia-cuda',
    before: 'Switch on RPM Fusion (https://rpmfusion.org/Configuration).',
  },
  { id: 'arch', command: 'sudo pacman -S --needed nvidia-open nvidia-utils' },
];

/** @param what 'Install' or 'Update' */
export function driverRemedy(
  what: 'Install' | 'Update',
  { distributions, isWsl, isContainer }: System,
): Remedy {
  if (isWsl) {
    return {
      text: `${what} NVIDIA's driver on Windows (https://www.nvidia.com/drivers), not in WSL; then restart WSL from Windows.`,
      command: 'wsl.exe --shutdown',
    };
  }
  if (isContainer) {
    return {
      text: `${what} NVIDIA's driver on the host, not in the container; then start the container with access to the GPU.`,
      command: 'docker run --gpus all …',
    };
  }
  // the distribution itself comes before those that it is like
  const known = distributions.flatMap((id) => COMMANDS.filter((entry) => entry.id === id))[0];
  if (known === undefined) {
    return {
      text: `${what} NVIDIA's driver as your distribution does it (https://www.nvidia.com/drivers). ${REBOOT}`,
    };
  }
  const { command, before } = known;
  return { text: `${before === undefined ? '' : `${before} `}${what} NVIDIA's driver. ${REBOOT}`, command };
}
