"""musubi-tuner's and ai-toolkit's own data sets: each must find every cache that latent-cache wrote, and make none.

Usage: python3 others_check.py LIST MUSUBI_CHECKOUT AI_TOOLKIT_CHECKOUT     prints one line of JSON for each case
"""

import argparse
import json
import logging
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "test" / "golden"))
import trainer_code  # noqa: E402

listed, musubi_path, ai_toolkit_path = sys.argv[1:]
trainer_code.REAL.update({"toml", "voluptuous"})
trainer_code.prepare(musubi_path, ai_toolkit_path)

import torch  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from musubi_tuner.dataset import architectures, config_utils  # noqa: E402
from toolkit.config_modules import DatasetConfig  # noqa: E402
from toolkit.data_loader import AiToolkitDataset  # noqa: E402
from toolkit.data_transfer_object.data_loader import DataLoaderBatchDTO  # noqa: E402

logging.disable(logging.CRITICAL)
ARCHITECTURES = {
    "qwen-image": architectures.ARCHITECTURE_QWEN_IMAGE,
    "krea2": architectures.ARCHITECTURE_KREA2,
    "flux-kontext": architectures.ARCHITECTURE_FLUX_KONTEXT,
    "z-image": architectures.ARCHITECTURE_Z_IMAGE,
    "flux2": architectures.ARCHITECTURE_FLUX_2_DEV,
    "flux2-klein-4b": architectures.ARCHITECTURE_FLUX_2_KLEIN_4B,
    "flux2-klein-9b": architectures.ARCHITECTURE_FLUX_2_KLEIN_9B,
}
STRIDES = {"flux2": 16, "flux2-klein-4b": 16, "flux2-klein-9b": 16}


def check_musubi(case):
    architecture = ARCHITECTURES[case["model"]]
    stride = STRIDES.get(case["model"], 8)
    config = config_utils.load_user_config(case["config"])
    generator = config_utils.BlueprintGenerator(config_utils.ConfigSanitizer())
    blueprint = generator.generate(config, argparse.Namespace(debug_dataset=False), architecture=architecture)
    group = config_utils.generate_dataset_group_by_blueprint(blueprint.dataset_group)
    images, wanted, faults, there = 0, set(), [], set()
    for data_set in group.datasets:
        buckets = {}
        # What its caching script goes through, and with --skip_existing passes over.
        for _, batch in data_set.retrieve_latent_cache_batches(1):
            for item in batch:
                images += 1
                buckets[os.path.basename(item.latent_cache_path)] = tuple(item.bucket_size)
                wanted.add(os.path.relpath(item.latent_cache_path))
                if not os.path.exists(item.latent_cache_path):
                    faults.append(f"would encode {item.item_key} as {item.latent_cache_path}")
                save_file({"varlen_text_float32": torch.zeros(1)}, data_set.get_text_encoder_output_cache_path(item))
        there |= {os.path.relpath(path) for path in Path(data_set.cache_directory).glob(f"*_{architecture}.safetensors")}
        data_set.prepare_for_training()
        if data_set.num_train_items != len(buckets) * data_set.num_repeats:
            faults.append(f"trains on {data_set.num_train_items} items of {len(buckets)}")
        for bucket, items in data_set.batch_manager.buckets.items():
            for item in items:
                if tuple(bucket)[:2] != buckets[os.path.basename(item.latent_cache_path)]:
                    faults.append(f"{item.latent_cache_path}: bucket {bucket}")
        for index in range(len(data_set.batch_manager)):
            batch = data_set.batch_manager[index]
            latents = batch["latents"]
            if case["model"] == "flux-kontext" and batch["latents_control"].shape != latents.shape:
                faults.append(f"control {tuple(batch['latents_control'].shape)}, image {tuple(latents.shape)}")
            bucket = data_set.batch_manager.bucket_batch_indices[index][0][:2]
            if tuple(latents.shape[-2:]) != (bucket[1] // stride, bucket[0] // stride) or not latents.isfinite().all():
                faults.append(f"latents {tuple(latents.shape)} of bucket {bucket}")
    faults += [f"nobody wants {path}" for path in sorted(there - wanted)]
    return images, len(there), faults


def check_ai_toolkit(case):
    images, used, faults = 0, set(), []
    for resolution in case["resolutions"]:
        config = DatasetConfig(folder_path=case["folder"], resolution=resolution, cache_latents_to_disk=True, flip_x=True)
        # An image whose cache it does not find is encoded, for which there is no VAE here: it raises.
        data_set = AiToolkitDataset(config, sd=MODELS[case["model"]])
        for item in data_set.file_list:
            images += 1
            used.add(os.path.relpath(item.get_latent_path()))
            latents = DataLoaderBatchDTO(file_items=[item]).latents
            stride = item.crop_height // latents.shape[-2]
            if (item.crop_height, item.crop_width) != (latents.shape[-2] * stride, latents.shape[-1] * stride):
                faults.append(f"{item.path}: {tuple(latents.shape)}")
            if not latents.float().isfinite().all():
                faults.append(f"{item.path}: not finite")
    there = {os.path.relpath(path) for path in Path(".").rglob("_latent_cache/*.safetensors")}
    faults += [f"nobody reads {path}" for path in sorted(there - used)]
    faults += [f"would encode {path}" for path in sorted(used - there)]
    return images, len(there), faults


MODELS = trainer_code.ai_toolkit_models()
for case in json.loads(Path(listed).read_text()):
    os.chdir(case["folder"])
    found = (check_musubi if case["trainer"] == "musubi" else check_ai_toolkit)(case)
    print(json.dumps(dict(zip(("images", "files", "faults"), found), case=case["name"])), flush=True)
