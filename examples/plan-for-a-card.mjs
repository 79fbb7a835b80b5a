// What a build would take on a card that is not here. Nothing is encoded and no file is touched.
// Usage: node plan-for-a-card.mjs FOLDER VAE.safetensors [CARD]   CARD: rtx-3060, rtx-4090 … (docs/cli.md, plan --device)
import { planDataset } from 'latent-cache';

const [folder, vae, card = 'rtx-3060'] = process.argv.slice(2);
const plan = await planDataset({
  inputs: [folder],
  vae,
  model: 'sdxl',
  resolution: 1024,
  enableBucket: true,
  target: { card },
});

console.log(`${plan.toEncode} images on ${plan.device?.name}; its memory is ${plan.device?.memoryBasis}`);
for (const { width, height, images, batch, bytes } of plan.buckets) {
  const need = bytes === null ? '' : `, ${Math.round(bytes / 2 ** 20)} MiB`;
  console.log(`${width}x${height}: ${images} images, ${batch ?? 'unknown'} at once${need}`);
}
console.log(`time: ${plan.time.basis} (${plan.time.source})`);
for (const { message, count } of plan.hazards) console.log(`note: ${message} (${count})`);
