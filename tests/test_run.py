"""Whole runs."""

from __future__ import annotations

import json

from support.runs import run_here


def test_bca_intervals_reach_every_number(packs, tmp_cache, tmp_path, real_suite):
    summaries = {}
    for kind in ("percentile", "bca"):
        run = run_here(
            real_suite,
            packs,
            tmp_path / kind,
            tmp_cache,
            images={"m": str(real_suite / "outputs" / "copy-paste")},
            interval=kind,
        )
        summaries[kind] = json.loads((run / "summary.json").read_text())
    for read in (
        lambda s: s["recognizers"]["mini-a"]["strict"]["models"]["m"]["sim_ref"],
        lambda s: s["images"]["all"]["models"]["m"]["faces_found"],
    ):
        a, b = (read(summaries[kind]) for kind in ("percentile", "bca"))
        assert a["mean"] == b["mean"]
        assert (a["low"], a["high"]) != (b["low"], b["high"])
