"""Opens what scripts/verify/trainers.mjs has written with the trainers' own data set code, and compares every number.

Usage: python3 trainers_check.py LIST MUSUBI_CHECKOUT AI_TOOLKIT_CHECKOUT
"""

import json
import logging
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "test" / "golden"))
import trainer_code  # noqa: E402

listed, musubi_path, ai_toolkit_path = sys.argv[1:]
trainer_code.prepare(musubi_path, ai_toolkit_path)

import torch  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from musubi_tuner.dataset.image_video_dataset import ImageDataset  # noqa: E402
from toolkit.config_modules import DatasetConfig  # noqa: E402
from toolkit.data_loader import AiToolkitDataset  # noqa: E402
from toolkit.data_transfer_object.data_loader import DataLoaderBatchDTO  # noqa: E402

logging.disable(logging.CRITICAL)
lists = json.loads(Path(listed).read_text())


def numbers(shape, seed):
    values = torch.arange(torch.Size(shape).numel(), dtype=torch.int64)
    return ((values * 7 + seed * 13) % 101 - 50).float().reshape(shape)


def same(found, shape, seed, dtype):
    assert found.dtype == getattr(torch, dtype), (found.dtype, dtype)
    assert list(found.shape) == shape, (found.shape, shape)
    assert torch.equal(found.float(), numbers(shape, seed))


def check_musubi(place, architecture, dtype, caches, shape):
    for cache in caches:
        save_file({"varlen_text_float32": torch.full((1,), float(cache["seed"]))}, f"{place}/{cache['text']}")
    data_set = object.__new__(ImageDataset)
    data_set.__dict__.update(resolution=(256, 256), enable_bucket=True, bucket_no_upscale=False, num_repeats=1,
                             architecture=architecture, cache_directory=place, batch_size=len(caches))
    data_set.prepare_for_training()
    assert data_set.num_train_items == len(caches)
    batch = data_set.batch_manager[0]
    for row, text in enumerate(batch["text"]):
        seed = int(text.item())
        same(batch["latents"][row], shape, seed, dtype)
        count = caches[seed]["controls"]
        keys = [key for key in batch if key.startswith("latents_control")]
        assert len(keys) == count, keys
        for index in range(count):
            key = "latents_control" if "latents_control" in batch else f"latents_control_{index}"
            same(batch[key][row], shape, seed + index + 1, dtype)
    return len(caches)


def check_ai_toolkit(place, model, caches, models):
    wanted = {(cache["image"], cache["flipX"], cache["flipY"]): cache for cache in caches}
    config = DatasetConfig(folder_path=place, resolution=256, cache_latents_to_disk=True, flip_x=True, flip_y=True)
    # An image whose cache it does not find is encoded, for which there is no VAE here: it raises.
    data_set = AiToolkitDataset(config, sd=models[model])
    assert len(data_set.file_list) == len(caches)
    for item in data_set.file_list:
        cache = wanted.pop((Path(item.path).name, item.flip_x, item.flip_y))
        same(DataLoaderBatchDTO(file_items=[item]).latents[0], cache["shape"], cache["seed"], "bfloat16")
    assert not wanted
    return len(caches)


models = trainer_code.ai_toolkit_models()
print("musubi-tuner accepts", sum(check_musubi(**each) for each in lists["musubi"]), "files")
print("ai-toolkit accepts", sum(check_ai_toolkit(**each, models=models) for each in lists["aiToolkit"]), "files")
