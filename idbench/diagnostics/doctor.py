"""What is on this machine: packages, hardware, weights, suites, disk, and what other packages registered."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from idbench import __version__, provenance, registry
from idbench.encoders import aesthetic, clip
from idbench.errors import IdbenchError
from idbench.kinds import Kind
from idbench.metrics.catalog import third_party_metric
from idbench.models.memory import machine_memory
from idbench.platform import usable_cores
from idbench.store import Cache, default_cache_dir

__all__ = ["examine"]

EXTRAS = ("torch", "facenet-pytorch", "open_clip_torch", "transformers", "diffusers")
"""Packages that one may do without."""


def examine() -> dict[str, dict[str, str]]:
    """Sections of name -> finding, every value a short text."""
    versions = provenance.package_versions()
    where, gigabytes = machine_memory()
    sections = {
        "idbench": {"version": __version__, "cores": str(usable_cores()), "memory": f"{gigabytes:.0f} GB, {where}"},
        "packages": versions | {name: "not installed" for name in EXTRAS if name not in versions},
        "accelerators": {"onnxruntime": _onnx_providers(), "torch": _torch_devices()},
        "recognizers": _found(registry.recognizers.all()),
        "detectors": _found(registry.detectors.all()),
        "encoders": {"clip": clip.here(), "aesthetic": aesthetic.here()},
        "models": _found(registry.models.all()),
        "suites": {name: f"{kind.state()} ({kind.licence})" for name, kind in registry.suites.all().items()},
        "metrics of other packages": _metrics(),
        "storage": _storage(),
    }
    return {name: entries for name, entries in sections.items() if entries}


def _found(kinds: Mapping[str, Kind]) -> dict[str, str]:
    """What of each kind is here."""
    return {name: kind.state() for name, kind in kinds.items()}


def _metrics() -> dict[str, str]:
    found = {}
    for name in registry.metrics.names():
        try:
            found[name] = third_party_metric(name).title
        except IdbenchError as error:
            found[name] = str(error)
    return found


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


def _storage() -> dict[str, str]:
    info = Cache().info()
    place = next(p for p in [default_cache_dir(), *default_cache_dir().parents] if p.exists())
    return {
        "cache": f"{info['path']}: {info['entries']} entries, {info['bytes'] / 1e6:.1f} MB",
        "free disk, cache": f"{shutil.disk_usage(place).free / 1e9:.1f} GB",
        "free disk, here": f"{shutil.disk_usage(Path.cwd()).free / 1e9:.1f} GB",
    }
