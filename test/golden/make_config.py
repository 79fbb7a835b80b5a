#!/usr/bin/python3
"""What the trainers' own code makes of dataset configs.

Independent source: library/config_util.py and train_util.py of sd-scripts, dataset/config_utils.py and datasources.py of
musubi-tuner, run as they are. Packages that they import and that do not matter here are replaced by empty ones.

    apt install python3-torch python3-opencv python3-pil python3-toml python3-voluptuous python3-imagesize
    /usr/bin/python3 test/golden/make_config.py SD_SCRIPTS_CHECKOUT MUSUBI_CHECKOUT

Reads test/golden/data/config/{sd-scripts,musubi}/* and the cases below; writes sd-scripts.json and musubi.json beside them.
"""
import argparse
import dataclasses
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import sys
import tempfile
import types

import numpy  # noqa: F401  before the stubs
from PIL import Image

DATA = pathlib.Path(__file__).resolve().parent / "data" / "config"
STUBBED = {
    "accelerate", "diffusers", "transformers", "torchvision", "einops", "tqdm", "safetensors", "huggingface_hub", "av",
    "packaging",
}


class Anything:
    """Stands for every class, function and constant of a package that is not there."""

    def __init__(self, *args, **kwargs):
        pass

    def __call__(self, *args, **kwargs):
        return args[0] if args else self

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything()

    def __getitem__(self, key):
        return Anything()

    def __iter__(self):
        return iter(())

    def __lt__(self, other):
        return False

    __gt__ = __ge__ = __le__ = __lt__

    def __or__(self, other):
        return self

    __ror__ = __or__


class AnyClass(type):
    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything()


class StubModule(types.ModuleType):
    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "tqdm":
            return lambda items, **_: items
        return AnyClass(name, (Anything,), {})


class Stubs(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in STUBBED:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return StubModule(spec.name)

    def exec_module(self, module):
        pass


# What decides which images are encoded and how.
KEPT = {
    "resolution", "enable_bucket", "min_bucket_reso", "max_bucket_reso", "bucket_reso_steps", "bucket_no_upscale",
    "resize_interpolation", "image_dir", "metadata_file", "conditioning_data_dir", "flip_aug", "alpha_mask",
    "caption_extension", "image_directory", "image_jsonl_file", "control_directory", "multiple_target",
    "no_resize_control", "control_resolution",
}


def kept(params):
    return {key: value for key, value in dataclasses.asdict(params).items() if key in KEPT}


def refused(error):
    """The place that voluptuous names, or nothing."""
    errors = getattr(error, "errors", [])
    return {
        "error": type(error).__name__,
        "places": [place(one.path) for one in errors],
        "extra": [place(one.path) for one in errors if "extra keys not allowed" in str(one)],
        "message": str(error).split("\n")[0].split(" / ")[0],
    }


def place(path):
    text = ""
    for step in path:
        step = getattr(step, "schema", step)
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def make_images(root, images):
    for name, size in images.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", tuple(size), (9, 99, 199)).save(file)


# ---------------------------------------------------------------------------------------------------- sd-scripts

# Files of the folder in which every config is also loaded in earnest.
SD_IMAGES = {
    "photos/cat.png": [300, 200],
    "photos/dog.jpg": [200, 300],
    "photos/a.b.png": [64, 64],
    "photos/sub/deep.png": [64, 64],
    "more/cat.png": [128, 128],
    "more/emu.webp": [96, 128],
    "edges/cat.png": [300, 200],
    "edges/dog.jpg": [200, 300],
    "edges/a.b.png": [64, 64],
}
SD_TEXTS = {
    "metadata.json": json.dumps({
        "cat.png": {"caption": "a cat", "image_size": [300, 200], "train_resolution": [320, 192]},
        "dog.jpg": {"tags": "dog"},
        "sub/deep.png": {"caption": ""},
    }),
    "metadata.jsonl": '{"image_path": "cat.png", "caption": "x", "image_size": [300, 200]}\n{"image_path": "a.b.png"}\n',
    "sized.json": json.dumps({"cat.png": {"image_size": [600, 400]}, "gone.png": {"image_size": [10, 20]}}),
    "stems.json": json.dumps({"cat": {"caption": "a cat", "image_size": [300, 200]}}),
    "empty.json": "{}",
    "more/metadata_cache.json": json.dumps({"more/cat.png": {"caption": "x", "resolution": [128, 128]}}),
}


def sd_scripts(checkout):
    sys.path.insert(0, str(checkout))
    from library import config_util, strategy_sd, strategy_base, train_util

    strategy_base.LatentsCachingStrategy.set_strategy(strategy_sd.SdSdxlLatentsCachingStrategy(False, True, 1, False))

    def arguments(words):
        parser = argparse.ArgumentParser()
        train_util.add_dataset_arguments(parser, True, True, True)
        parser.add_argument("--train_batch_size", type=int, default=1)
        parser.add_argument("--max_token_length", type=int, default=None)
        parser.add_argument("--prior_loss_weight", type=float, default=1.0)
        args = parser.parse_args(words)
        train_util.prepare_dataset_args(args, True)
        return args

    def blueprint_of(config, words):
        sanitizer = config_util.ConfigSanitizer(True, True, True, True)
        return config_util.BlueprintGenerator(sanitizer).generate(config, arguments(words)).dataset_group

    def loaded(group):
        """The images that the data sets register, with their sizes, subset by subset."""
        def images(dataset):
            dataset = getattr(dataset, "dreambooth_dataset_delegate", dataset)
            found = {}
            for key, info in dataset.image_data.items():
                subset = dataset.subsets.index(dataset.image_to_subset[key])
                size = None if info.image_size is None else list(info.image_size)
                found.setdefault(subset, []).append([os.path.relpath(info.absolute_path), size])
            return [sorted(found.get(index, [])) for index in range(len(dataset.subsets))]

        try:
            train, validation = config_util.generate_dataset_group_by_blueprint(group)
            return {
                "datasets": [images(dataset) for dataset in train.datasets],
                "validation": [] if validation is None else [images(dataset) for dataset in validation.datasets],
            }
        except Exception as error:  # noqa: BLE001  whatever it is, the trainer stops
            return refused(error)

    # sizes as the constructor leaves them: make_buckets would measure those that no list names
    train_util.BaseDataset.make_buckets = lambda self: None
    train_util.ControlNetDataset.make_buckets = lambda self: None
    train_util.DatasetGroup = lambda datasets: types.SimpleNamespace(datasets=datasets)
    config_util.DatasetGroup = train_util.DatasetGroup

    cases = {}
    for file in sorted((DATA / "sd-scripts").iterdir()):
        words = json.loads(SD_ARGUMENTS.get(file.name, "[]"))
        answer = {"arguments": words}
        try:
            group = blueprint_of(config_util.load_user_config(str(file)), words)
            answer["datasets"] = [
                {
                    "kind": "controlnet" if one.is_controlnet else "dreambooth" if one.is_dreambooth else "finetuning",
                    "params": kept(one.params),
                    "subsets": [kept(subset.params) for subset in one.subsets],
                }
                for one in group.datasets
            ]
            answer["loaded"] = loaded(group)
        except Exception as error:  # noqa: BLE001
            answer["refused"] = refused(error)
        cases[file.name] = answer

    folders = ["10_cat", "1", "0_zero", "-2_minus", "+3_plus", "cat", "5 dog", "07_a_b", " 4_space", "２_wide",
               ".hidden", "1.5_half", "_none", "8_"]
    with tempfile.TemporaryDirectory() as scratch:
        for name in folders:
            os.mkdir(os.path.join(scratch, name))
        pathlib.Path(scratch, "9_file").write_text("")
        subsets = config_util.generate_dreambooth_subsets_config_by_subdirs(scratch)
        taken = sorted(os.path.basename(subset["image_dir"]) for subset in subsets)
    return {"cases": cases, "files": SD_IMAGES, "texts": SD_TEXTS,
            "train_data_dir": {"folders": folders, "files": ["9_file"], "taken": taken}}


# Options of the command line beside a config.
SD_ARGUMENTS = {
    "fallbacks.toml": '["--enable_bucket", "--resolution", "768,512", "--max_bucket_reso", "2048", "--flip_aug", "--alpha_mask", "--resize_interpolation", "lanczos"]',
    "overridden.toml": '["--enable_bucket", "--resolution", "768", "--max_bucket_reso", "2048", "--flip_aug"]',
}

# ---------------------------------------------------------------------------------------------------- musubi-tuner

MUSUBI_IMAGES = {
    "photos/cat.png": [300, 200],
    "photos/dog.jpg": [200, 300],
    "photos/bare.png": [64, 64],
    "control/cat.png": [30, 20],
    "control/dog_0.jpg": [30, 20],
    "other/emu.png": [64, 64],
}
MUSUBI_TEXTS = {
    "photos/cat.txt": "a cat",
    "photos/dog.txt": "a dog",
    "other/emu.txt": "an emu",
    "list.jsonl": '{"image_path": "photos/cat.png", "caption": "x"}\n{"image_path": "other/emu.png", "caption": "y"}\n',
    "edit.jsonl": '{"image_path": "photos/cat.png", "caption": "x", "control_path_0001": "control/dog_0.jpg", "control_path": "control/cat.png"}\n'
                  '{"image_path": "photos/dog.jpg", "caption": "y", "control_path_2": "b.png", "control_path_010": "c.png", "control_path_1": "a.png"}\n',
    "layers.jsonl": '{"image_path_0": "photos/cat.png", "image_path_1": "photos/dog.jpg", "image_path_2": "photos/bare.png", "caption": "x"}\n',
}


def musubi(checkout):
    sys.path.insert(0, str(checkout / "src"))
    from musubi_tuner.dataset import config_utils

    def datasource(dataset):
        source = getattr(dataset, "datasource", None)
        if source is None:
            return {"images": []}
        if hasattr(source, "video_paths"):
            return {"videos": source.video_paths}
        if hasattr(source, "image_paths"):
            return {"images": [{"image": path} for path in source.image_paths]}
        items = []
        for item in source.data:
            entry = {"image": item.get("image_path", item.get("image_path_0"))}
            controls = [item[f"control_path_{i}"] for i in range(100) if f"control_path_{i}" in item]
            if controls:
                entry["controls"] = controls
            targets = [item[f"image_path_{i}"] for i in range(1, 100) if f"image_path_{i}" in item]
            if dataset.multiple_target and targets:
                entry["targets"] = targets
            items.append(entry)
        return {"images": items}

    cases = {}
    for file in sorted((DATA / "musubi").iterdir()):
        answer = {}
        try:
            config = config_utils.load_user_config(str(file))
            generator = config_utils.BlueprintGenerator(config_utils.ConfigSanitizer())
            # Qwen-Image-Edit, because it takes any number of control images; it has no videos
            architecture = "hv" if file.name in ("video.toml", "nothing.toml") else "qie"
            blueprint = generator.generate(config, argparse.Namespace(debug_dataset=False), architecture=architecture)
            group = blueprint.dataset_group
            answer["datasets"] = [{"image": one.is_image_dataset, "params": kept(one.params)} for one in group.datasets]
            made = config_utils.generate_dataset_group_by_blueprint(group)
            answer["loaded"] = [
                {"cache_directory": one.cache_directory, "bucket_no_upscale": one.bucket_no_upscale,
                 **datasource(one)}
                for one in made.datasets
            ]
        except Exception as error:  # noqa: BLE001
            answer["refused"] = refused(error)
        cases[file.name] = answer
    return {"cases": cases, "files": MUSUBI_IMAGES, "texts": MUSUBI_TEXTS}


def main():
    sys.meta_path.append(Stubs())
    for name, checkout, ask, images, texts in (
        ("sd-scripts", sys.argv[1], sd_scripts, SD_IMAGES, SD_TEXTS),
        ("musubi", sys.argv[2], musubi, MUSUBI_IMAGES, MUSUBI_TEXTS),
    ):
        with tempfile.TemporaryDirectory() as scratch:
            make_images(pathlib.Path(scratch), images)
            for text_name, text in texts.items():
                file = pathlib.Path(scratch, text_name)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            here = os.getcwd()
            os.chdir(scratch)
            answers = ask(pathlib.Path(here, checkout).resolve())
            os.chdir(here)
        (DATA / f"{name}.json").write_text(json.dumps(answers, ensure_ascii=False, indent=1) + "\n")


main()
