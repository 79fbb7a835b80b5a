import type { DoctorOptions, DoctorSeams } from '../../../dist/doctor/run-doctor.js';

export const SITUATIONS: readonly {
  readonly name: string;
  readonly options: DoctorOptions;
  readonly seams: DoctorSeams;
}[];
