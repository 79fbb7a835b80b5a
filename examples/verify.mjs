// Looks at every cache of a folder, whoever wrote it, and counts what is wrong.
// Usage: node verify.mjs FOLDER
import { verifyCaches } from 'latent-cache';

const [folder] = process.argv.slice(2);
for await (const event of verifyCaches({ inputs: [folder], readData: true })) {
  if (event.type === 'problem') console.log(`${event.path} [${event.code}] ${event.message}`);
  if (event.type !== 'summary') continue;
  console.log(`${event.ok} of ${event.files} caches are good, ${event.imagesWithoutCache} images have none`);
  if (event.problems > 0) process.exitCode = 2;
}
