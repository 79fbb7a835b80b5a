"""The tables of the format note, 1.1 and 2.1, and what 2.2 says of ai-toolkit's models."""

# model: (suffix, keys with the size, channels, stride, values)
SD_SCRIPTS = {
    "sd": ("sd", False, 4, 8, "raw"),
    "sdxl": ("sdxl", False, 4, 8, "raw"),
    "sd3": ("sd3", True, 16, 8, "raw"),
    "flux": ("flux", True, 16, 8, "normalised"),
    "chroma": ("flux", True, 16, 8, "normalised"),
    "lumina": ("lumina", True, 16, 8, "normalised"),
    "hunyuan-image": ("hi", True, 64, 32, "raw"),
    "anima": ("anima", True, 16, 8, "normalised"),
}

# model: (architecture, full name, frames in keys, frames axis, values, type: None is that of the VAE's file)
MUSUBI = {
    "qwen-image": ("qi", "qwen_image", True, True, "normalised", None),
    "z-image": ("zi", "z_image", True, False, "raw", "float32"),
    "flux-kontext": ("fk", "flux_kontext", True, False, "normalised", "float32"),
    "flux2": ("f2d", "flux_2_dev", False, False, "normalised", "float32"),
    "flux2-klein-4b": ("f2k4b", "flux_2_klein_4b", False, False, "normalised", "float32"),
    "flux2-klein-9b": ("f2k9b", "flux_2_klein_9b", False, False, "normalised", "float32"),
    "krea2": ("kr2", "krea2", True, True, "normalised", None),
}

# model: (latent_space_version, divisor of bucket sides)
AI_TOOLKIT = {
    "sd": ("sd1", 16),
    "sdxl": ("sdxl", 16),
    "sd3": ("sd3", 32),
    "flux": ("flux1", 32),
    "chroma": ("chroma", 32),
    "lumina": ("lumina2", 16),
    "z-image": ("zimage", 16),
    "flux-kontext": ("flux_kontext", 16),
    "flux2": ("flux2", 16),
    "flux2-klein-4b": ("flux2_klein_4b", 16),
    "flux2-klein-9b": ("flux2_klein_9b", 16),
    "qwen-image": ("qwen_image", 32),
    "anima": ("anima", 32),
    "krea2": ("krea2", 16),
}

# model: (shift, scale), of (z - shift) * scale
AFFINE = {
    "sd": (0, 0.18215),
    "sdxl": (0, 0.13025),
    "sd3": (0.0609, 1.5305),
    "flux": (0.1159, 0.3611),
    "chroma": (0.1159, 0.3611),
    "lumina": (0.1159, 0.3611),
    "z-image": (0.1159, 0.3611),
    "flux-kontext": (0.1159, 0.3611),
    "hunyuan-image": (0, 0.75289),
}

QWEN_MEAN = [-0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508, 0.4134, -0.0715, 0.5517, -0.3632,
             -0.1922, -0.9497, 0.2503, -0.2921]
QWEN_DEVIATION = [2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743, 3.2687, 2.1526, 2.8652, 1.5579,
                  1.6382, 1.1253, 2.8251, 1.9160]
BATCH_NORM_EPSILON = 1e-4
