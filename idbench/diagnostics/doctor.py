"""What is on this machine: packages, hardware, weights, suites, disk."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from idbench import __version__, provenance
from idbench.encoders import aesthetic, clip
from idbench.faces import facenet, insightface
from idbench.platform import usable_cores
from idbench.store import Cache, default_cache_dir
from idbench.suites import multiid_bench

__all__ = ["examine", "recognizer_states"]


def examine() -> dict[str, dict[str, Any]]:
    """Sections of name -> finding, every value a short text."""
    versions = provenance.package_versions()
    extras = ("torch", "facenet-pytorch", "open_clip_torch", "transformers", "diffusers")
    return {
        "idbench": {"version": __version__, "cores": str(usable_cores())},
        "packages": versions | {name: "not installed" for name in extras if name not in versions},
        "accelerators": {"onnxruntime": _onnx_providers(), "torch": _torch_devices()},
        "recognizers": recognizer_states(),
        "encoders": {"clip": _clip_state(), "aesthetic": _aesthetic_state()},
        "suites": {"multiid-bench": _suite_state()},
        "storage": _storage(),
    }


def _onnx_providers() -> str:
    import onnxruntime

    return ", ".join(onnxruntime.get_available_providers())


def _torch_devices() -> str:
    if find_spec("torch") is None:
        return "not installed: pip install 'idbench[torch]'"
    import torch

    if not torch.cuda.is_available():
        return "cpu"
    return ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))


def recognizer_states() -> dict[str, str]:
    """Per kind of recognizer, what of it is here."""
    root = insightface.models_root()
    packs = sorted({path.parent.name for path in root.glob("**/*.onnx")}) if root.is_dir() else []
    weights = [name for name in facenet.FILES if facenet.released_weights(name).is_file()]
    package = (
        "package missing (pip install --no-deps facenet-pytorch==2.6.0)"
        if find_spec("facenet_pytorch") is None
        else "package installed"
    )
    where = facenet.released_weights("vggface2").parent
    return {
        "insightface": (f"packs {', '.join(packs)} in {root}" if packs else f"no packs in {root}")
        + f" ({insightface.LICENCE})",
        "mini": "ready",
        "onnx": "name a file",
        "facenet": f"{package}; weights {', '.join(weights) or 'none'} in {where}",
        "adaface": "name a checkpoint file" if find_spec("torch") else "torch missing: pip install 'idbench[torch]'",
    }


def _clip_state() -> str:
    if find_spec("open_clip") is None:
        return "open_clip missing: pip install 'idbench[torch]'"
    found = clip.find_weights()
    return (
        str(found)
        if found
        else f"weights not here: put {clip.HUB_ID}/{clip.HUB_FILE} into the Hugging Face cache, or --clip FILE"
    )


def _aesthetic_state() -> str:
    if find_spec("transformers") is None:
        return "transformers missing: pip install 'idbench[torch]'"
    folder = aesthetic.default_folder()
    here = (folder / aesthetic.HEAD_FILE).is_file()
    return (
        str(folder)
        if here
        else f"weights not here: {aesthetic.HEAD_FILE} and {aesthetic.ENCODER_FOLDER}/ go to {folder}"
    )


def _suite_state() -> str:
    folder = multiid_bench.default_dir()
    files = multiid_bench.find_parquet(folder)
    where = f"{len(files)} parquet files in {folder}" if files else "not fetched: idbench suites fetch multiid-bench"
    return f"{where} ({multiid_bench.LICENCE})"


def _storage() -> dict[str, str]:
    info = Cache().info()
    place = next(p for p in [default_cache_dir(), *default_cache_dir().parents] if p.exists())
    return {
        "cache": f"{info['path']}: {info['entries']} entries, {info['bytes'] / 1e6:.1f} MB",
        "free disk, cache": f"{shutil.disk_usage(place).free / 1e9:.1f} GB",
        "free disk, here": f"{shutil.disk_usage(Path.cwd()).free / 1e9:.1f} GB",
    }
