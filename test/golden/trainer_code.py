"""Imports the trainers' own modules on a machine that has little of what they need.

Everything that is missing becomes a stand-in: importing it, sub-classing it and decorating with it work, and nothing
that is compared with this project's results runs in it.
"""

import importlib
import importlib.abc
import importlib.machinery
import sys
import types

# Present on a normal machine and used by what we run; everything else outside the standard library may be missing.
REAL = {"numpy", "torch", "PIL", "cv2", "safetensors"}
# Asked for by name, to see whether they are there.
PLUGINS = {"jxlpy", "pillow_jxl"}
# Of ai-toolkit, only these run; the others drag in half of the world.
AI_TOOLKIT_REAL = {
    "toolkit.basic",
    "toolkit.buckets",
    "toolkit.metadata",
    "toolkit.config_modules",
    "toolkit.dataloader_mixins",
    "toolkit.data_loader",
    "toolkit.data_transfer_object",
    "toolkit.data_transfer_object.data_loader",
    "toolkit.models",
    "toolkit.models.base_model",
    "toolkit.stable_diffusion_model",
}


class Meta(type):
    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return stand_in(name)

    def __call__(cls, *args, **kwargs):
        if len(args) == 1 and callable(args[0]) and not kwargs:
            return args[0]  # used as a decorator
        return super().__call__()

    def __getitem__(cls, key):
        return cls

    def __iter__(cls):
        return iter(())

    def __or__(cls, other):
        return cls

    __ror__ = __or__


class StandIn(metaclass=Meta):
    def __call__(self, *args, **kwargs):
        return args[0] if len(args) == 1 and callable(args[0]) else self

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return False


def stand_in(name):
    """A class of its own each time: two of them can be the bases of one."""
    return Meta(name, (StandIn,), {})


class StandInModule(types.ModuleType):
    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return stand_in(name)


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Stands in for the modules that are wanted from it."""

    def __init__(self, wants):
        self.wants = wants

    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if self.wants(name) else None

    def create_module(self, spec):
        return StandInModule(spec.name)

    def exec_module(self, module):
        pass


def is_unwanted(name):
    top = name.split(".")[0]
    return top == "jobs" or (top == "toolkit" and name not in AI_TOOLKIT_REAL)


def is_missing(name):
    top = name.split(".")[0]
    # Newer than the torch of a normal machine.
    if name == "torch.nn.attention":
        return True
    return top not in sys.stdlib_module_names and top not in REAL and top not in PLUGINS


class Progress:
    def __init__(self, items=(), **options):
        self.items = items

    def __iter__(self):
        return iter(self.items)

    def update(self, count=1):
        pass

    def close(self):
        pass


def bare_package(name, folder):
    """A package without its __init__, which would import all of its modules."""
    package = types.ModuleType(name)
    package.__path__ = [folder]
    sys.modules[name] = package


def prepare(musubi, ai_toolkit):
    """Makes `musubi_tuner` and `toolkit` of the two checkouts importable."""
    sys.path[:0] = [f"{musubi}/src", ai_toolkit]
    sys.meta_path.insert(0, Finder(is_unwanted))
    sys.meta_path.append(Finder(is_missing))
    sys.modules["tqdm"] = types.ModuleType("tqdm")
    sys.modules["tqdm"].tqdm = Progress
    bare_package("toolkit", f"{ai_toolkit}/toolkit")
    for folder in ("extensions_built_in", "extensions_built_in/diffusion_models"):
        bare_package(folder.replace("/", "."), f"{ai_toolkit}/{folder}")


def ai_toolkit_models():
    """The model classes by our ids, each as the trainer makes it before a model is loaded, but for the VAE's shape."""
    models = {}
    where = {
        "chroma": ("chroma.chroma_model", "ChromaModel"),
        "z-image": ("z_image.z_image", "ZImageModel"),
        "flux-kontext": ("flux_kontext.flux_kontext", "FluxKontextModel"),
        "flux2": ("flux2.flux2_model", "Flux2Model"),
        "flux2-klein-4b": ("flux2.flux2_klein_model", "Flux2Klein4BModel"),
        "flux2-klein-9b": ("flux2.flux2_klein_model", "Flux2Klein9BModel"),
        "qwen-image": ("qwen_image.qwen_image", "QwenImageModel"),
        "anima": ("anima.anima", "AnimaModel"),
        "krea2": ("krea2.krea2", "Krea2Model"),
    }
    for model_id, (module, name) in where.items():
        found = importlib.import_module(f"extensions_built_in.diffusion_models.{module}")
        models[model_id] = (getattr(found, name), getattr(found, name).arch)
    legacy = importlib.import_module("toolkit.stable_diffusion_model").StableDiffusion
    for model_id, arch in (("sd", "sd1"), ("sdxl", "sdxl"), ("sd3", "sd3"), ("flux", "flux"), ("lumina", "lumina2")):
        models[model_id] = (legacy, arch)
    built = {model_id: build_model(*found) for model_id, found in models.items()}
    # As its constructor sets them; bucket sides are multiples of their product.
    krea2 = importlib.import_module("extensions_built_in.diffusion_models.krea2.krea2")
    built["krea2"].patch_size = krea2.KREA2_MMDIT_CONFIG["patch"]
    built["krea2"].vae_scale_factor = 8
    return built


def build_model(cls, arch):
    config = importlib.import_module("toolkit.config_modules").ModelConfig(name_or_path="x", arch=arch)
    model = object.__new__(cls)
    model.arch = config.arch
    model.model_config = config
    model.latent_space_version = None
    channels = {"block_out_channels": (128, 256, 512, 512)}
    model.vae = types.SimpleNamespace(config=channels)
    model.unet = None
    model.encode_control_in_text_embeddings = False
    model.use_raw_control_images = False
    model.has_multiple_control_images = False
    model.supports_video_control_images = False
    model.te_padding_side = "right"
    model.torch_dtype = importlib.import_module("torch").float32
    model.device = model.device_torch = "cpu"
    return model


def prepare_sd_scripts(checkout):
    """Makes `library` of a checkout of sd-scripts importable; its readers of configs and headers are real."""
    REAL.update({"toml", "voluptuous", "imagesize"})
    networks = ("_models", "_utils", "_text_encoder", "_vae", "autoencoder_kl")
    is_network = lambda name: name.startswith("library.") and name.endswith(networks)
    sys.path.insert(0, checkout)
    sys.meta_path.insert(0, Finder(is_network))
    sys.meta_path.append(Finder(lambda name: is_missing(name) and name.split(".")[0] != "library"))
    sys.modules["tqdm"] = types.ModuleType("tqdm")
    sys.modules["tqdm"].tqdm = Progress
