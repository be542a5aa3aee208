"""Getting weights that are not here; never without being asked."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

from idbench import hub
from idbench.errors import HubError
from idbench.models import weights
from idbench.records.cards import Weights

__all__ = ["fetch_pack", "look_up"]

PATTERNS = {
    "pipeline": ("model_index.json", "*/*.json", "*/*.safetensors", "*/*.txt", "*/*.model", "*/*.jinja"),
    "folder": ("*.json", "*.safetensors", "*.txt", "*.model"),
}
"""What a form consists of, where the card names no patterns of its own. Pickled copies are left alone."""

LEFT_OUT = ("*.fp16.*", "*.non_ema.*", "*.bin", "*.msgpack", "*/openvino_*", "*.onnx*")


def look_up(need: Weights, model: str) -> hub.Offer:
    """What the hub would deliver. Raises `HubError`, one line that says where to put the weights by hand."""
    place = weights.expected_at(need)
    otherwise = f"on a machine without network, put {need.hub} at {place}; then 'idbench models check {model}'"
    return hub.look_up(need.hub, "model", lambda name: _wanted(need, name), need.revision, otherwise)


def _wanted(need: Weights, name: str) -> bool:
    if need.patterns:
        return any(fnmatch(name, pattern) for pattern in need.patterns)
    if need.form == "file":
        return name == need.file
    return any(fnmatch(name, p) for p in PATTERNS[need.form]) and not any(fnmatch(name, p) for p in LEFT_OUT)


def fetch_pack(need: Weights, confirmed: Callable[[str], object]) -> Path:
    """An InsightFace pack through InsightFace's own download. Raises `HubError`, one line."""
    from insightface.utils import ensure_available

    place = weights.expected_at(need)
    confirmed(
        f"InsightFace pack {need.file}, about {need.gigabytes:g} GB, from {weights.address(need)} to {place}\n"
        f"licence: {need.licence}\nDownload?"
    )
    try:
        ensure_available("models", need.file, root=str(place.parent.parent))
    except Exception as error:  # requests' and zipfile's classes
        raise HubError(f"pack {need.file} could not be downloaded ({error}); unpack it to {place} by hand") from error
    return place
