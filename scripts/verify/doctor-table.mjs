// What `latent-cache doctor` says on simulated machines: situation → findings → advice → exit code.
//
//   npm run verify:doctor [-- PART_OF_A_NAME]
import { doctorExitCode, doctorText } from '../../dist/cli/doctor-command.js';
import { runDoctor } from '../../dist/doctor/run-doctor.js';
import { SITUATIONS } from './doctor/situations.mjs';

const part = process.argv[2] ?? '';
for (const { name, options, seams } of SITUATIONS) {
  if (!name.includes(part)) continue;
  const report = await runDoctor(options, seams);
  console.log(`\n=== ${name} · exit code ${doctorExitCode(report)}`);
  process.stdout.write(doctorText(report));
}
