"""Identities and clusters of a suite."""

from __future__ import annotations

from support.suites import write_manifest

from idbench.suites import SuiteIndex, index_case, open_suite


def test_people_who_share_a_photo_are_one_identity_and_one_cluster(real_suite):
    index = SuiteIndex()
    for case in open_suite(str(real_suite)).cases():
        index.add(index_case(case))
    by_photo: dict[str, set[str]] = {}
    for entry in index.entries.values():
        for person, references in enumerate(entry.references):
            for digest in references:
                by_photo.setdefault(digest, set()).add(index.identities[entry.id, person])
    assert all(len(identities) == 1 for identities in by_photo.values())
    assert 1 < len(set(index.clusters.values())) < len(index.entries)
    for case_id in index.ids:
        if other := index.stranger(case_id):
            size = index.entries[case_id].size
            mine, theirs = ({index.identities[c, i] for i in range(size)} for c in (case_id, other))
            assert not mine & theirs


def test_labels_and_shared_photos_both_say_who_is_who(photos):
    folder, (a, b, _) = photos
    one = [f"{a.id}_ref0.jpg"]
    rows = [
        {"id": "1", "prompt": "p", "people": [{"references": one, "identity": "anna"}]},
        {"id": "2", "prompt": "p", "people": [{"references": one}]},
        {"id": "3", "prompt": "p", "people": [{"references": [f"{b.id}_ref0.jpg"], "identity": "anna"}]},
        {"id": "4", "prompt": "p", "people": [{"references": [f"{b.id}_target.jpg"], "identity": ""}]},
        {"id": "5", "prompt": "p", "people": [{"references": [f"{a.id}_target.jpg"], "identity": ""}]},
    ]
    index = SuiteIndex()
    for case in open_suite(str(write_manifest(folder, rows))).cases():
        index.add(index_case(case))
    who = [index.identities[str(i), 0] for i in range(1, 6)]
    assert who[0] == who[1] == who[2]
    assert len(set(who)) == 3
    assert not index.labelled
