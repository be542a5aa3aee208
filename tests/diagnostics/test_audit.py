"""The audit of a suite."""

from __future__ import annotations

import json

from idbench.suites import open_suite


def test_audit_finds_what_was_planted(real_suite, packs, tmp_cache, tmp_path):
    from idbench.diagnostics.audit import audit
    from idbench.faces.pipeline import ImageAnalyser
    from idbench.faces.specs import open_detector, open_recognizers
    from idbench.store import Cache

    cases = [case for case in open_suite(str(real_suite)).cases() if len(case.people) == 1][:2]
    (tmp_path / "t.jpg").write_bytes(cases[0].target.read())
    (tmp_path / "o.jpg").write_bytes(next(c for c in cases[1:]).people[0].references[0].read())
    (tmp_path / "broken.jpg").write_bytes(cases[0].target.read()[:200])
    lines = [
        {"id": "same", "prompt": "p", "target": "t.jpg", "people": [{"references": ["t.jpg"]}]},
        {
            "id": "two",
            "prompt": "p",
            "target": "t.jpg",
            "people": [{"references": ["t.jpg"]}, {"references": ["o.jpg"]}],
        },
        {"id": "broken", "prompt": "p", "target": "t.jpg", "people": [{"references": ["broken.jpg"]}]},
        {
            "id": "box",
            "prompt": "p",
            "target": "t.jpg",
            "people": [{"references": ["o.jpg"], "box": [0, 0, 4, 4]}],
        },
    ]
    for name in ("anna", "ben"):
        lines.append(
            {"id": name, "prompt": "p", "target": "t.jpg", "people": [{"references": ["o.jpg"], "identity": name}]}
        )
    (tmp_path / "cases.jsonl").write_text("\n".join(map(json.dumps, lines)))
    spec = f"insightface:{packs / 'mini-a'}"
    analyser = ImageAnalyser(open_detector(None, [spec]), open_recognizers([spec]), cache=Cache(tmp_cache))
    found = {(finding.case, finding.kind) for finding in audit(open_suite(str(tmp_path)), analyser)}
    assert {
        ("same", "near_duplicate"),
        ("two", "target_faces"),
        ("broken", "unreadable"),
        ("box", "box_overlap"),
        ("ben", "two_labels"),
    } <= found
    assert not any(case == "same" and kind == "unlike" for case, kind in found)
