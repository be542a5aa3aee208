"""Loading the identity tensors that the authors released.

Two layouts, told apart by their keys. FLUX.1: `ipa_arc.{block}.*`, `ipa_sig.{block}.*`, `arcface_in_arc.*`,
`arcface_in_sig.*`, `siglip_in_sig.*`. FLUX Kontext: `ipa.{block}.*`, `arcface_in.*`. Both hold six tensors more
(`siglip_in_arc.*` or `siglip_in.*`) that nothing uses. Blocks are counted double blocks first.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

import torch

from idbench.errors import WeightsError
from idbench.models.withanyone.identity import HEAD_SIZE, IdentityBranch, Sizes

__all__ = ["load_branch"]

Shapes = Mapping[str, tuple[int, ...]]


def load_branch(path: Path, dtype: torch.dtype = torch.bfloat16, device: str = "cpu") -> IdentityBranch:
    """The identity branch in a released .safetensors file, for inference, every tensor in memory once.

    Raises `WeightsError` if the file is absent or damaged, lacks tensors, has others, or ones of another shape.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise WeightsError(f"no weights at {path}; put the file there or name another")
    try:
        with safe_open(path, "pt", device=device) as file:
            found = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
            kontext = any(key.startswith("ipa.") for key in found)
            with torch.device("meta"):
                branch = IdentityBranch(_sizes(found, kontext, path))
            keys = {name: _released_name(name, kontext) for name in branch.state_dict()}
            expected = {keys[name]: tuple(tensor.shape) for name, tensor in branch.state_dict().items()}
            _check(found, expected, kontext, path)
            state = {name: file.get_tensor(key).to(dtype) for name, key in keys.items()}
    except SafetensorError as error:
        raise WeightsError(f"{path}: expected a .safetensors file, found a damaged one ({error})") from error
    branch.load_state_dict(state, assign=True)
    branch.requires_grad_(False).eval()
    return branch


def _released_name(name: str, kontext: bool) -> str:
    """What the file calls a parameter of `IdentityBranch`: `arc.ipa.0.x` is `ipa_arc.0.x`, or `ipa.0.x`."""
    branch, part, rest = name.split(".", 2)
    return f"{part}.{rest}" if kontext else f"{part}_{branch}.{rest}"


def _sizes(found: Shapes, kontext: bool, path: Path) -> Sizes:
    """What the shapes of a few tensors say."""
    arc = "" if kontext else "_arc"
    query, first, last = f"ipa{arc}.0.to_q.weight", f"arcface_in{arc}.0.weight", f"arcface_in{arc}.3.weight"
    siglip = "siglip_in_sig.0.weight"
    needed = (query, first, last) if kontext else (query, first, last, siglip)
    _refuse(path, "missing", [key for key in needed if key not in found])
    for key in needed:
        if len(found[key]) != 2:
            raise WeightsError(f"{path}: expected a matrix {key}, found shape {found[key]}")
    inner, hidden = found[query]
    blocks = [int(match[1]) for key in found if (match := re.match(rf"ipa{arc}\.(\d+)\.", key))]
    return Sizes(
        blocks=1 + max(blocks),
        hidden=hidden,
        heads=inner // HEAD_SIZE,
        arcface=found[first][1],
        tokens=found[last][0] // hidden,
        siglip=None if kontext else found[siglip][-1],
    )


def _check(found: Shapes, expected: Shapes, kontext: bool, path: Path) -> None:
    _refuse(path, "missing", expected.keys() - found.keys())
    _refuse(path, "unexpected", {key for key in found.keys() - expected.keys() if _used(key, kontext)})
    wrong = [f"{key} (expected {shape}, found {found[key]})" for key, shape in expected.items() if shape != found[key]]
    _refuse(path, "wrongly shaped", wrong)


def _used(key: str, kontext: bool) -> bool:
    """Whether a released tensor takes part; six do not."""
    unused = "siglip_in" if kontext else "siglip_in_arc"
    return re.fullmatch(rf"{unused}\.[023]\.(weight|bias)", key) is None


def _refuse(path: Path, what: str, keys: Collection[str]) -> None:
    if keys:
        first = ", ".join(sorted(keys)[:3]) + (", ..." if len(keys) > 3 else "")
        raise WeightsError(f"{path} does not fit WithAnyone: {len(keys)} tensors {what}: {first}")
