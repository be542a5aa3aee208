"""`idbench calibrate`: its exit codes and its help."""

from __future__ import annotations

import json

import pytest
from support.records import suite_counts
from support.runs import idbench

from idbench.calibrate import Calibration, configure
from idbench.calibrate.checks import check_curves
from idbench.provenance import collect
from idbench.records.run import NetworkRecord


def test_failed_checks_are_findings_and_errors_only_if_asked_for(monkeypatch, tmp_path, capsys):
    from idbench.cli import main

    verdicts = check_curves([], ["judge"])
    config, detector = configure(out=str(tmp_path)), NetworkRecord(kind="mini")
    found = Calibration(config, collect(), 0, suite_counts(), detector, {}, verdicts, [], [], [], {}, {}, {})
    monkeypatch.setattr("idbench.calibrate.calibrate", lambda *given: found)
    for flags, code in (([], 0), (["--strict"], 1)):
        monkeypatch.setattr("sys.argv", ["idbench", "calibrate", *flags])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == code
        lines = capsys.readouterr().out.splitlines()
        assert lines[-1] == str(tmp_path / "calibration.html")
        assert lines[-2] == f"0 of {len(verdicts)} checks passed"
    monkeypatch.setattr("sys.argv", ["idbench", "calibrate", "--json"])
    with pytest.raises(SystemExit):
        main()
    assert json.loads(capsys.readouterr().out)["failed"] == len(verdicts)


def test_help_says_what_it_costs():
    done = idbench("calibrate", "--help")
    assert done.returncode == 0 and "few minutes" in done.stdout
