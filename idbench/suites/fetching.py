"""Downloading a suite from the Hugging Face hub, with its size and licence known beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from idbench.errors import SuiteError

__all__ = ["Offer", "download", "look_up"]


@dataclass(frozen=True)
class Offer:
    """What a download would bring: files by name, total size in bytes, licence as the hub states it."""

    hub_id: str
    revision: str
    files: tuple[str, ...]
    size: int
    licence: str | None


def look_up(hub_id: str, folder: Path, revision: str | None = None) -> Offer:
    """Ask the hub about a data set that would go to `folder`.

    Raises `SuiteError` if the hub cannot be asked or holds no parquet files.
    """
    from huggingface_hub import HfApi

    try:
        info = HfApi().dataset_info(hub_id, revision=revision, files_metadata=True)
    except Exception as error:  # the hub client raises its own, httpx's and requests' classes
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise SuiteError(
            f"cannot ask the hub about {hub_id} ({reason}); on a machine without network, copy its data/*.parquet "
            f"to {folder} or pass a path to --suite"
        ) from error
    wanted = [f for f in info.siblings or [] if f.rfilename.endswith(".parquet")]
    if not wanted:
        raise SuiteError(f"{hub_id} holds no parquet files")
    licence = getattr(info.card_data, "license", None) if info.card_data else None
    size = sum(f.size or 0 for f in wanted)
    return Offer(hub_id, info.sha or revision or "main", tuple(f.rfilename for f in wanted), size, licence)


def download(offer: Offer, folder: Path, progress: Callable[[str, int, int], None]) -> None:
    """Fetch every file of an offer into `folder`; files that are complete already are kept."""
    from huggingface_hub import hf_hub_download

    for done, name in enumerate(offer.files, start=1):
        try:
            hf_hub_download(offer.hub_id, name, repo_type="dataset", revision=offer.revision, local_dir=folder)
        except Exception as error:  # as above
            reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
            raise SuiteError(f"download of {name} stopped ({reason}); run the same command again to go on") from error
        progress("download", done, len(offer.files))
