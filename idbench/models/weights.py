"""Weights of models: where they lie, whether they are whole, and what to do where they are not.

Looked for in this order: the place the user named (`--set NAME.weights.ROLE=PATH`), idbench's own folder
(`$IDBENCH_WEIGHTS`, else `weights` in the cache directory), the Hugging Face cache; InsightFace packs
where InsightFace keeps them. Nothing is downloaded here.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from pathlib import Path

from idbench.errors import WeightsError
from idbench.models.digests import digest_of_file, digest_of_files, files_below, is_hidden
from idbench.records.cards import Weights
from idbench.store import default_cache_dir

__all__ = ["address", "digest", "expected_at", "find", "in_words", "is_whole", "networks", "usable", "weights_root"]

TENSORS = ".safetensors"
_PART = re.compile(r"-(\d{5})-of-(\d{5})\.safetensors$")


def weights_root() -> Path:
    """`$IDBENCH_WEIGHTS`, else `weights` in the cache directory."""
    chosen = os.environ.get("IDBENCH_WEIGHTS")
    return Path(chosen).expanduser() if chosen else default_cache_dir() / "weights"


def address(weights: Weights) -> str:
    """Where a person reads about weights and asks to be let in."""
    return f"huggingface.co/{weights.hub}" if weights.hub else "github.com/deepinsight/insightface"


def expected_at(weights: Weights) -> Path:
    """The place to put weights by hand."""
    if weights.form == "pack":
        from idbench.faces.insightface import models_root

        return models_root() / weights.file
    folder = weights_root() / weights.hub
    return folder / weights.file if weights.form == "file" else folder


def find(weights: Weights, given: Path | None = None) -> Path | None:
    """Where weights lie on this machine; None if they are not here. `given` is the place the user named."""
    if given is not None:
        return given if given.exists() else None
    if weights.form == "pack":
        return _pack(weights.file)
    here = expected_at(weights)
    return here if here.exists() else _in_hub_cache(weights)


def in_words(weights: Weights) -> str:
    """What a set of weights is, how large, under which terms, and whether one must be let in."""
    gate = f", gated: accept its terms at https://{address(weights)}" if weights.gated else ""
    return f"{weights.hub or weights.file}, about {weights.gigabytes:g} GB, {weights.licence}{gate}"


def usable(weights: Weights, model: str, given: Path | None = None) -> Path:
    """Where weights lie, checked to be whole without reading them.

    Raises `WeightsError`, one line: what is missing or damaged, and the exact place to put it.
    """
    found = find(weights, given)
    if found is None and given is not None:
        raise WeightsError(f"{model}: no weights '{weights.role}' at {given}")
    if found is None:
        raise WeightsError(
            f"{model}: weights '{weights.role}' ({in_words(weights)}) are not here; "
            f"run 'idbench models fetch {model}', or put them at "
            f"{expected_at(weights)}, or name their place with --set {model}.weights.{weights.role}=PATH"
        )
    if fault := _fault(found, weights.form):
        raise WeightsError(f"{model}: weights '{weights.role}' at {found} are not whole: {fault}; fetch them again")
    return found


def is_whole(weights: Weights) -> bool:
    """Whether weights are on this machine, as far as names and headers tell."""
    found = find(weights)
    return found is not None and _fault(found, weights.form) is None


def digest(path: Path) -> str:
    """SHA-256 over names and contents of every file of weights: tensors, configurations, vocabularies. Of one file over
    its contents. Raises `WeightsError`, one line, if one cannot be read."""
    if path.is_dir():
        return digest_of_files(_files(path))
    parts = _parts(path)
    return digest_of_files({path.name: path} | parts) if parts else digest_of_file(path)


def _parts(path: Path) -> dict[str, Path]:
    """Files beside one file of weights that belong to it: external tensors of ONNX, and shards that an index names."""
    names = [f"{path.name}{end}" for end in ("_data", ".data")]
    if path.name.endswith(".index.json"):
        with suppress(OSError, ValueError, KeyError, AttributeError, TypeError):
            names += sorted(map(str, set(json.loads(path.read_text(encoding="utf-8"))["weight_map"].values())))
    return {name: path.parent / name for name in names if (path.parent / name).is_file()}


def networks(path: Path) -> dict[str, list[Path]]:
    """Files of tensors per network: per subfolder of a pipeline, else of the whole."""
    found: dict[str, list[Path]] = {}
    for file in [path] if path.is_file() else _files(path).values():
        if file.suffix in (TENSORS, ".bin", ".onnx"):
            network = path.name if file == path or file.parent == path else file.relative_to(path).parts[0]
            found.setdefault(network, []).append(file)
    return found


def _files(folder: Path) -> dict[str, Path]:
    """Files of a folder in one order; of a pipeline those in its networks' folders, not single-file copies beside."""
    found = files_below(folder, is_hidden)
    if not (folder / "model_index.json").is_file():
        return found
    return {name: path for name, path in found.items() if "/" in name or name == "model_index.json"}


def _pack(name: str) -> Path | None:
    from idbench.faces.insightface import pack_folder

    try:
        return pack_folder(name)
    except WeightsError:
        return None


def _in_hub_cache(weights: Weights) -> Path | None:
    from huggingface_hub import snapshot_download, try_to_load_from_cache
    from huggingface_hub.errors import LocalEntryNotFoundError

    if weights.form == "file":
        found = try_to_load_from_cache(weights.hub, weights.file, revision=weights.revision)
        return Path(found) if isinstance(found, str) else None
    try:
        return Path(snapshot_download(weights.hub, revision=weights.revision, local_files_only=True))
    except LocalEntryNotFoundError:
        return None


def _fault(path: Path, form: str) -> str | None:
    """What is wrong with weights, from their names and headers alone."""
    if form == "file":
        return _file_fault(path)
    if not path.is_dir():
        return "expected a folder, found a file"
    if form == "pipeline":
        return _pipeline_fault(path)
    if form == "folder" and not (path / "config.json").is_file():
        return "config.json is missing"
    return _folder_fault(path)


def _pipeline_fault(path: Path) -> str | None:
    try:
        index = json.loads((path / "model_index.json").read_text(encoding="utf-8"))
        parts = [name for name, what in index.items() if isinstance(what, list) and what[0]]
    except FileNotFoundError:
        return "model_index.json is missing"
    except (OSError, ValueError, AttributeError, IndexError) as error:
        return f"model_index.json cannot be read ({error})"
    for part in parts:
        if not (path / part).is_dir():
            return f"the folder {part} is missing"
        if fault := _folder_fault(path / part):
            return f"{part}: {fault}"
    return None


def _folder_fault(folder: Path) -> str | None:
    """Shards an index names must be there, and every file of tensors as long as its header says."""
    for index in sorted(folder.glob("*.index.json")):
        try:
            shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        except (OSError, ValueError, KeyError, AttributeError) as error:
            return f"{index.name} cannot be read ({error})"
        if absent := sorted(name for name in shards if not (folder / name).is_file()):
            return f"{len(absent)} of {len(shards)} files are missing, first {absent[0]}"
    files = sorted(folder.glob(f"*{TENSORS}"))
    numbered = [match for file in files if (match := _PART.search(file.name))]
    for match in numbered:
        if sum(other[2] == match[2] for other in numbered) < int(match[2]):
            return f"some of {int(match[2])} files like {match.string} are missing"
    if not files and (folder / "config.json").is_file():
        return f"its {TENSORS} files are missing"
    return next((fault for file in files if (fault := _file_fault(file))), None)


def _file_fault(path: Path) -> str | None:
    if not path.is_file():
        return f"{path.name} is no file"
    size = path.stat().st_size
    if path.suffix != TENSORS:
        return None if size else f"{path.name} is empty"
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        try:
            header = json.loads(stream.read(length) if 0 < length <= min(size, 100_000_000) else b"")
            ends = [what["data_offsets"][1] for name, what in header.items() if name != "__metadata__"]
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            return f"{path.name} has no safetensors header"
    expected = 8 + length + max(ends, default=0)
    return None if size == expected else f"{path.name} has {size} bytes, its header says {expected}"
