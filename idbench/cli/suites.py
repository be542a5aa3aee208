"""suites list, show, audit, make, fetch."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from idbench.cli.output import confirm_download, print_json, print_table, progress

__all__ = ["app"]

app = typer.Typer(help="Suites: sets of cases to be scored on.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
Name = Annotated[str, typer.Argument(help="Suite: name, NAME:LOCATION, hub id, or path.")]


@app.command("list")
def list_suites(json: Json = False) -> None:
    """Suites idbench can open, and which of them are on this machine."""
    from idbench import registry
    from idbench.suites import multiid_bench, synthetic

    here = bool(multiid_bench.find_parquet(multiid_bench.default_dir()))
    known = {
        "multiid-bench": {
            "what": f"the paper's test set, hub {multiid_bench.HUB_ID}, subsets p1 p2 p3",
            "licence": multiid_bench.LICENCE,
            "state": "fetched" if here else "not here: idbench suites fetch multiid-bench",
        },
        "synthetic": {
            "what": "people who never lived: synthetic:small, :medium, :large, e.g. synthetic:medium?seed=3",
            "licence": synthetic.LICENCE,
            "state": "rendered when first read",
        },
        "folder": {
            "what": "folder:PATH or just PATH: case folders, or a cases.jsonl manifest",
            "licence": "as its owner says",
            "state": "your own data",
        },
    }
    for name in registry.suites.names():
        known.setdefault(name, {"what": "from another package", "licence": "see the package", "state": "installed"})
    if json:
        print_json(known)
    else:
        print_table(
            ["suite", "state", "what", "licence"],
            [[n, e["state"], e["what"], e["licence"]] for n, e in known.items()],
        )


@app.command()
def show(
    suite: Name,
    cases: Annotated[bool, typer.Option("--cases", help="List the cases too.")] = False,
    json: Json = False,
) -> None:
    """Counts, subsets and fingerprint of a suite."""
    from idbench.suites import SuiteIndex, index_case, open_suite

    opened = open_suite(suite)
    index = SuiteIndex()
    for case in opened.cases():
        index.add(index_case(case))
    about: dict[str, Any] = {"name": opened.name, "source": opened.source, "licence": opened.licence}
    about |= index.counts().model_dump() | {"problems": opened.problems}
    if cases:
        about["case_list"] = [
            {"id": e.id, "subset": e.subset, "people": e.size, "prompt": e.prompt}
            for e in (index.entries[case_id] for case_id in index.ids)
        ]
    if json:
        print_json(about)
        return
    for key, value in about.items():
        if key != "case_list":
            print(f"{key:<16} {value}")
    for row in about.get("case_list", []):
        print(f"{row['id']}  {row['subset']}  {row['people']}  {row['prompt'][:90]}")


@app.command()
def audit(
    suite: Name,
    recognizer: Annotated[list[str], typer.Option(metavar="[NAME=]KIND[:LOCATION]", help="The judge.")],
    cache: Annotated[Path | None, typer.Option(help="Cache directory.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    allow_mini: Annotated[bool, typer.Option(help="Let mini judge photos.")] = False,
    json: Json = False,
) -> None:
    """Look at a suite's own photos for what would make scores doubtful."""
    from idbench.diagnostics.audit import KINDS, audit
    from idbench.faces.pipeline import ImageAnalyser
    from idbench.faces.specs import open_detector, open_recognizers, refuse_mini
    from idbench.store import Cache
    from idbench.suites import open_suite

    opened = open_suite(suite)
    if not opened.rendered and not allow_mini:
        refuse_mini(recognizer[:1])
    judges = open_recognizers(recognizer[:1], device)
    analyser = ImageAnalyser(open_detector(None, recognizer, device), judges, cache=Cache(cache))
    findings = list(audit(opened, analyser))
    counts = Counter(finding.kind for finding in findings)
    if json:
        print_json({"counts": dict(counts), "findings": [finding.as_dict() for finding in findings]})
        return
    for finding in findings:
        person = "" if finding.person is None else f" person {finding.person + 1}"
        print(f"{finding.case}{person}: {finding.kind}: {finding.detail}")
    if findings:
        print_table(
            ["finding", "count", "meaning"], [[k, str(counts[k]), what] for k, what in KINDS.items() if counts[k]]
        )
    print(f"{len(findings)} findings in {opened.count} cases")


@app.command()
def make(
    suite: Annotated[str, typer.Argument(metavar="synthetic[:SIZE]", help="small, medium or large.")] = "synthetic",
    out: Annotated[Path | None, typer.Option(help="Folder for the photos. [default: in the cache]")] = None,
) -> None:
    """Render a synthetic suite into a folder, which can then be used and given away as a suite."""
    from idbench.errors import SuiteError
    from idbench.suites import synthetic

    name, _, location = suite.partition(":")
    if name != "synthetic":
        raise SuiteError(f"only the synthetic suite can be made, not '{suite}'; such as synthetic:medium")
    opened = synthetic.open_suite(location, folder=out)
    with progress() as callback:
        for done, _ in enumerate(opened.cases(), start=1):
            callback("rendered cases", done, opened.count)
    print(opened.source)


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="multiid-bench")] = "multiid-bench",
    revision: Annotated[str | None, typer.Option(help="Commit or tag on the hub. [default: newest]")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Download a suite, after saying what, from where, how large and under which licence."""
    from idbench import hub
    from idbench.errors import SuiteError
    from idbench.suites import multiid_bench

    if name not in ("multiid-bench", multiid_bench.HUB_ID):
        raise SuiteError(f"only multiid-bench can be fetched, not '{name}'; folders are opened where they are")
    folder = multiid_bench.default_dir()
    by_hand = f"on a machine without network, copy its data/*.parquet to {folder} or pass a path to --suite"
    offer = hub.look_up(multiid_bench.HUB_ID, "dataset", lambda file: file.endswith(".parquet"), revision, by_hand)
    terms = f"{offer.licence or multiid_bench.LICENCE} ({multiid_bench.LICENCE})"
    confirm_download(offer, folder, terms, yes)
    with progress() as callback:
        hub.download(offer, folder, callback)
    print(folder)
