"""Identity fidelity and copy-paste benchmark for identity-preserving image generation.

In a notebook::

    import idbench
    run = idbench.score(images={"mine": "outputs/"}, suite="suite/", recognizers=["insightface:antelopev2"])
    run.scores()          # pandas frame, one row per model, case, seed, person, recognizer and protocol

`idbench.metrics` holds the metric functions on plain arrays.
"""

from typing import TYPE_CHECKING, Any

__all__ = ["Run", "__version__", "load_run", "score"]
__version__ = "0.1.0"

if TYPE_CHECKING:
    from idbench.api import Run, load_run, score


def __getattr__(name: str) -> Any:
    """Load the heavy half only when it is used."""
    if name in ("Run", "load_run", "score"):
        from idbench import api

        return getattr(api, name)
    raise AttributeError(f"module 'idbench' has no attribute '{name}'")
