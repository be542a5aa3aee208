"""Downloads from the Hugging Face hub, with what, how large and which licence known beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from idbench.errors import HubError

__all__ = ["Offer", "download", "look_up"]


@dataclass(frozen=True)
class Offer:
    """What a download would bring: files by name with their sizes in bytes, and the licence as the hub states it."""

    hub_id: str
    kind: Literal["dataset", "model"]
    revision: str
    files: dict[str, int]
    licence: str | None

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(self.files.values())


def look_up(
    hub_id: str,
    kind: Literal["dataset", "model"],
    wanted: Callable[[str], bool],
    revision: str | None,
    otherwise: str,
) -> Offer:
    """Ask the hub about the `wanted` files of a repository.

    Raises `HubError`, one line that ends with `otherwise`, if the hub cannot be asked, lets nobody in, or has
    none of them.
    """
    from huggingface_hub import HfApi

    try:
        info = HfApi().repo_info(hub_id, repo_type=kind, revision=revision, files_metadata=True)
    except Exception as error:  # the hub client raises its own, httpx's and requests' classes
        raise HubError(f"cannot ask the hub about {hub_id} ({_reason(error)}); {otherwise}") from error
    files = {f.rfilename: f.size or 0 for f in info.siblings or [] if wanted(f.rfilename)}
    if not files:
        raise HubError(f"{hub_id} on the hub holds none of the files expected; {otherwise}")
    licence = getattr(info.card_data, "license", None) if info.card_data else None
    return Offer(hub_id, kind, info.sha or revision or "main", files, licence)


def download(offer: Offer, folder: Path, progress: Callable[[str, int, int], None]) -> None:
    """Fetch every file of an offer into `folder`; files that are complete already are kept.

    `progress` hears kilobytes, so that time left means something for files of very different sizes.
    """
    from huggingface_hub import hf_hub_download

    done = 0
    for name, size in offer.files.items():
        progress("download, kB", done // 1000, offer.size // 1000)
        try:
            hf_hub_download(offer.hub_id, name, repo_type=offer.kind, revision=offer.revision, local_dir=folder)
        except Exception as error:  # as above
            raise HubError(
                f"download of {name} stopped ({_reason(error)}); run the same command again to go on"
            ) from error
        done += size
    progress("download, kB", done // 1000, offer.size // 1000)


def _reason(error: Exception) -> str:
    """The first line of an error; a gate is called by its name."""
    if type(error).__name__ == "GatedRepoError":
        return "its owner must let you in first: accept the terms on its page, then set HF_TOKEN"
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
