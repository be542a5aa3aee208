"""What every metric declares."""

from __future__ import annotations

from idbench import metrics


def test_every_metric_declares_what_reports_need():
    for metric in (*metrics.all_person_metrics(), *metrics.IMAGE_METRICS):
        assert metric.low < metric.high
        assert metric.direction in ("higher", "lower", "zero", "context")
        assert metric.title
    assert metrics.metric_named("copy_paste").direction == "lower"
    assert metrics.metric_named("nothing") is None
