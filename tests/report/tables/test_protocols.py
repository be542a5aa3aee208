"""The paper's number and the strict one, and why they differ."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest


def test_attribution_adds_up(run: Path):
    csv = pd.read_csv(run / "tables" / "protocols_judge-a.csv")
    parts = csv[["outliers", "padding", "other"]].fillna(0).sum(axis=1)
    known = csv["difference"].notna()
    assert known.any()
    np.testing.assert_allclose(parts[known], csv["difference"][known], atol=1e-12)
    np.testing.assert_allclose(csv["paper"][known] - csv["strict"][known], csv["difference"][known], atol=1e-12)
    row = csv[(csv["model"] == "good") & (csv["metric"] == "similarity to the reference")].iloc[0]
    assert row["padding"] == pytest.approx(-0.02)
