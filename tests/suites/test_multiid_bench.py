"""MultiID-Bench: the published layout and parquet."""

from __future__ import annotations

from idbench.suites import SuiteIndex, index_case, open_suite


def test_published_layout_and_parquet_give_the_same_suite(real_suite):
    def photos(path):
        index = SuiteIndex()
        for case in open_suite(str(path)).cases():
            index.add(index_case(case))
        return index

    parquet, folder = photos(real_suite), photos(real_suite / "upstream_layout")
    assert parquet.ids == folder.ids
    for case_id in parquet.ids:
        a, b = parquet.entries[case_id], folder.entries[case_id]
        assert (a.target, a.references, a.prompt, a.subset) == (b.target, b.references, b.prompt, b.subset)
    assert set(parquet.identities.values()) == set(folder.identities.values())
