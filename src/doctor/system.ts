/** What Linux tells about its NVIDIA hardware and driver. */
import path from 'node:path';
import type { Machine } from './machine.js';

export interface PciCard {
  /** '0000:01:00.0' */
  readonly address: string;
  /** The kernel module that drives it: 'nvidia', 'nouveau', 'vfio-pci'. */
  readonly kernelModule: string | null;
}

export interface System {
  /** `ID` and `ID_LIKE` of os-release. */
  readonly distributions: readonly string[];
  readonly distributionName: string;
  readonly isWsl: boolean;
  readonly isContainer: boolean;
  readonly cards: readonly PciCard[];
  /** Of the kernel module that is loaded: '580.95.05'. */
  readonly driverVersion: string | null;
}

/** https://pci-ids.ucw.cz: vendor NVIDIA, class display controller. */
const NVIDIA = '0x10de';
const DISPLAY = /^0x03/;
const DEVICES = '/sys/bus/pci/devices';

export function readSystem(machine: Machine): System {
  const release = machine.read('/etc/os-release') ?? '';
  const field = (name: string) => new RegExp(`^${name}="?([^"\\n]*)"?$`, 'm').exec(release)?.[1] ?? '';
  return {
    distributions: `${field('ID')} ${field('ID_LIKE')}`.split(' ').filter((name) => name !== ''),
    distributionName: field('PRETTY_NAME') || 'Linux',
    isWsl: /microsoft/i.test(machine.read('/proc/sys/kernel/osrelease') ?? ''),
    isContainer: isContainer(machine),
    cards: machine.list(DEVICES).flatMap((address) => readCard(machine, address) ?? []),
    driverVersion:
      /\b(\d{3,}\.\d+(?:\.\d+)?)\b/.exec(machine.read('/proc/driver/nvidia/version') ?? '')?.[1] ?? null,
  };
}

function readCard(machine: Machine, address: string): PciCard | undefined {
  const folder = path.join(DEVICES, address);
  const isCard =
    machine.read(path.join(folder, 'vendor'))?.trim() === NVIDIA &&
    DISPLAY.test(machine.read(path.join(folder, 'class')) ?? '');
  if (!isCard) return undefined;
  const driver = machine.realPath(path.join(folder, 'driver'));
  return { address, kernelModule: driver === undefined ? null : path.basename(driver) };
}

function isContainer(machine: Machine): boolean {
  return (
    ['/.dockerenv', '/run/.containerenv'].some((file) => machine.look(file) !== undefined) ||
    isGiven(machine.env.container) ||
    /docker|kubepods|containerd|lxc/.test(machine.read('/proc/1/cgroup') ?? '')
  );
}

function isGiven(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}

/** 580 of '580.95.05' */
export function driverBranch(version: string): number {
  return Number(/^\d+/.exec(version)?.[0]);
}
