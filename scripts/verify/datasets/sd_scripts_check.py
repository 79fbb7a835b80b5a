"""sd-scripts' own data sets, from the same files that latent-cache was given: each must find every cache and make none.

Usage: python3 sd_scripts_check.py LIST CHECKOUT     prints one line of JSON for each case of LIST
"""

import argparse
import json
import logging
import os
import sys
import types
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "test" / "golden"))
import trainer_code  # noqa: E402

listed, checkout = sys.argv[1:]
trainer_code.prepare_sd_scripts(checkout)

import numpy as np  # noqa: E402
from library import config_util, train_util  # noqa: E402

logging.disable(logging.CRITICAL)
try:
    from library import strategy_base
except ImportError:
    # 0.9.1 has one way to cache, without strategies.
    strategy_base = None

# 0.9.1 makes its data sets with tokenizers.
RUNTIME = {} if strategy_base else {"tokenizer": [types.SimpleNamespace(model_max_length=77)]}
STRIDES = {"hunyuan-image": 32}


def strategy_of(model, suffix):
    from library import strategy_anima, strategy_flux, strategy_hunyuan_image, strategy_lumina, strategy_sd, strategy_sd3

    if model in ("sd", "sdxl"):
        # train_db.py and fine_tune.py say of SD that it is not SD.
        return strategy_sd.SdSdxlLatentsCachingStrategy(model == "sd" and suffix != "sdxl", True, 1, False)
    return {
        "sd3": strategy_sd3.Sd3LatentsCachingStrategy,
        "flux": strategy_flux.FluxLatentsCachingStrategy,
        "chroma": strategy_flux.FluxLatentsCachingStrategy,
        "lumina": strategy_lumina.LuminaLatentsCachingStrategy,
        "hunyuan-image": strategy_hunyuan_image.HunyuanImageLatentsCachingStrategy,
        "anima": strategy_anima.AnimaLatentsCachingStrategy,
    }[model](True, 1, False)


def data_sets(words):
    """As train_network.py does it."""
    parser = argparse.ArgumentParser()
    train_util.add_dataset_arguments(parser, True, True, True)
    for name, default in (("train_batch_size", 1), ("max_token_length", None), ("prior_loss_weight", 1.0)):
        parser.add_argument(f"--{name}", type=type(default or 1), default=default)
    parser.add_argument("--dataset_config")
    args = parser.parse_args(words)
    train_util.prepare_dataset_args(args, args.in_json is not None)
    if args.dataset_config:
        config = config_util.load_user_config(args.dataset_config)
    elif args.in_json is None:
        config = {"datasets": [{"subsets": config_util.generate_dreambooth_subsets_config_by_subdirs(args.train_data_dir)}]}
    else:
        config = {"datasets": [{"subsets": [{"image_dir": args.train_data_dir, "metadata_file": args.in_json}]}]}
    sanitizer = config_util.ConfigSanitizer(True, True, args.dataset_config is not None, True)
    blueprint = config_util.BlueprintGenerator(sanitizer).generate(config, args, **RUNTIME)
    made = config_util.generate_dataset_group_by_blueprint(blueprint.dataset_group)
    group = made[0] if isinstance(made, tuple) else made
    return group.datasets


def check(case):
    os.chdir(case["folder"])
    model, made = case["model"], []
    if strategy_base is not None:
        strategy = strategy_of(model, case.get("suffix"))
        strategy.cache_batch_latents = lambda _, batch, *rest: made.extend(info.absolute_path for info in batch)
        strategy_base.LatentsCachingStrategy._strategy = strategy
    else:
        train_util.cache_batch_latents = lambda _, to_disk, batch, *rest: made.extend(info.absolute_path for info in batch)
    stride = STRIDES.get(model, 8)
    used, masked, wanted_masks, images, faults = set(), set(), set(), 0, []
    for data_set in data_sets(case["words"]):
        if strategy_base is not None:
            data_set.new_cache_latents(None, types.SimpleNamespace(num_processes=1, process_index=0, device="cpu"))
        else:
            data_set.cache_latents(None, 1, True, True)
        data_set = getattr(data_set, "dreambooth_dataset_delegate", data_set)
        for key, info in data_set.image_data.items():
            subset = data_set.image_to_subset[key]
            images += 1
            used.add(os.path.relpath(info.latents_npz))
            if not os.path.exists(info.latents_npz):
                faults.append(f"{info.latents_npz} is not there")
                continue
            load = strategy.load_latents_from_disk if strategy_base else lambda path, _: train_util.load_latents_from_disk(path)
            latents, size, crop, flipped, mask = load(info.latents_npz, info.bucket_reso)
            wide, high = info.bucket_reso
            wanted = (high // stride, wide // stride)
            for name, array in (("latents", latents), ("flipped", flipped if subset.flip_aug else latents)):
                if array.shape[-2:] != wanted or not np.isfinite(array).all():
                    faults.append(f"{info.latents_npz}: {name} {array.shape}, the bucket is {info.bucket_reso}")
            if len(size) != 2 or len(crop) != 4:
                faults.append(f"{info.latents_npz}: {size} {crop}")
            if subset.alpha_mask and mask.shape != (high, wide):
                faults.append(f"{info.latents_npz}: mask {mask.shape}")
            if mask is not None:
                masked.add(info.latents_npz)
            if subset.alpha_mask:
                wanted_masks.add(info.latents_npz)
    faults += [f"would encode {path}" for path in made]
    # One alone switches masked loss on.
    faults += [f"{path}: a mask that nobody wants" for path in masked - wanted_masks]
    there = {os.path.relpath(path) for path in Path(".").rglob("*.npz")}
    faults += [f"nobody reads {path}" for path in sorted(there - used)]
    return {"case": case["name"], "images": images, "files": len(there), "faults": faults}


for each in json.loads(Path(listed).read_text()):
    print(json.dumps(check(each)), flush=True)
