"""ONNX Runtime sessions and torch devices: one place decides where networks run."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import onnxruntime

from idbench.errors import ConfigError, WeightsError

__all__ = ["file_digest", "onnx_session", "providers", "session_options", "split_spec", "torch_device"]

PREFERRED = ("CUDAExecutionProvider", "ROCMExecutionProvider", "CPUExecutionProvider")


def providers(device: str = "auto") -> list[str]:
    """Execution providers to use, best first. `device`: auto, cpu or cuda."""
    available = onnxruntime.get_available_providers()
    if device == "cpu":
        return ["CPUExecutionProvider"]
    if device == "cuda" and "CUDAExecutionProvider" not in available:
        raise ConfigError(
            f"device cuda asked for, but ONNX Runtime offers only {', '.join(available)}; install onnxruntime-gpu"
        )
    return [name for name in PREFERRED if name in available]


def session_options() -> onnxruntime.SessionOptions:
    """One thread per session: images are analysed in parallel instead, so numbers do not depend on cores."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return options


def onnx_session(path: Path, device: str = "auto") -> onnxruntime.InferenceSession:
    """A session for an .onnx file. Raises `WeightsError` if the file is absent or no network."""
    if not path.is_file():
        raise WeightsError(f"no weights at {path}; put the .onnx file there or name another")
    try:
        return onnxruntime.InferenceSession(str(path), session_options(), providers=providers(device))
    except Exception as error:  # ONNX Runtime raises its own unexported classes
        raise WeightsError(f"{path} is not a usable ONNX network ({str(error).splitlines()[0][:120]})") from error


@lru_cache(maxsize=64)
def _digest(path: str, size: int, modified: int) -> str:
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a weight file, hexadecimal; read once per process while the file does not change."""
    status = path.stat()
    return _digest(str(path.resolve()), status.st_size, status.st_mtime_ns)


def torch_device(device: str = "auto") -> Any:
    """The torch device for auto, cpu or cuda."""
    import torch

    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(device)


def split_spec(location: str, allowed: dict[str, type]) -> tuple[str, dict[str, Any]]:
    """Split `path?key=value&...` and convert the values to the allowed types (int, float, str, list).

    Raises `ConfigError` for an unknown key or a value of the wrong type.
    """
    path, _, query = location.partition("?")
    values: dict[str, Any] = {}
    for key, text in parse_qsl(query, keep_blank_values=True):
        if key not in allowed:
            raise ConfigError(f"unknown parameter '{key}' in '{location}'; known: {', '.join(allowed)}")
        try:
            values[key] = json.loads(f"[{text}]") if allowed[key] is list else allowed[key](text)
        except ValueError as error:
            raise ConfigError(
                f"parameter {key}={text} in '{location}' is not of type {allowed[key].__name__}"
            ) from error
    return path, values
