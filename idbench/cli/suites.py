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

    known = {
        name: {"form": kind.form, "what": kind.what, "licence": kind.licence, "state": kind.state()}
        for name, kind in registry.suites.all().items()
    }
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
    from idbench.schema import printable
    from idbench.suites import SuiteIndex, index_case, open_suite

    opened = open_suite(suite)
    index = SuiteIndex()
    for case in opened.cases():
        index.add(index_case(case))
    about: dict[str, Any] = {"name": opened.name, "source": opened.source, "licence": opened.licence}
    unreadable = [photo for entry in index.entries.values() for photo in entry.unreadable()]
    about |= index.counts().model_dump() | {"problems": opened.problems, "photos_unreadable": unreadable}
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
            print(f"{key:<16} {printable(str(value))}")
    for row in about.get("case_list", []):
        print(printable(f"{row['id']}  {row['subset']}  {row['people']}  {row['prompt'][:90]}"))


@app.command()
def audit(
    suite: Name,
    recognizer: Annotated[list[str], typer.Option(metavar="[NAME=]KIND[:LOCATION]", help="The recognizer.")],
    cache: Annotated[Path | None, typer.Option(help="Cache directory.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    allow_mini: Annotated[bool, typer.Option(help="Let mini judge photos.")] = False,
    json: Json = False,
) -> None:
    """Look at a suite's own photos for what would make scores doubtful."""
    from idbench.diagnostics.audit import KINDS, audit
    from idbench.faces.pipeline import ImageAnalyser
    from idbench.faces.specs import check_for_photos, open_detector, open_recognizers
    from idbench.schema import counted, printable
    from idbench.store import Cache
    from idbench.suites import open_suite

    opened = open_suite(suite)
    if not opened.rendered and not allow_mini:
        check_for_photos(recognizer[:1])
    recognizers = open_recognizers(recognizer[:1], device)
    analyser = ImageAnalyser(open_detector(None, recognizer, device), recognizers, cache=Cache(cache))
    findings = list(audit(opened, analyser))
    counts = Counter(finding.kind for finding in findings)
    if json:
        print_json({"counts": dict(counts), "findings": [finding.as_dict() for finding in findings]})
        return
    for finding in findings:
        person = "" if finding.person is None else f" person {finding.person + 1}"
        print(printable(f"{finding.case}{person}: {finding.kind}: {finding.detail}"))
    if findings:
        print_table(
            ["finding", "count", "meaning"], [[k, str(counts[k]), what] for k, what in KINDS.items() if counts[k]]
        )
    print(f"{counted(len(findings), 'finding')} in {counted(opened.count, 'case')}")


@app.command()
def make(
    suite: Annotated[
        str,
        typer.Argument(metavar="SUITE[:SIZE]", help="Such as synthetic:medium."),
    ] = "synthetic",
    out: Annotated[Path | None, typer.Option(help="Folder for the photos. [default: in the cache]")] = None,
) -> None:
    """Render a synthetic suite into a folder, which can then be used and given away as a suite."""
    from idbench import registry
    from idbench.errors import SuiteError

    name, _, location = suite.partition(":")
    make = registry.suites.get(name).make
    if make is None:
        can = ", ".join(name for name, kind in registry.suites.all().items() if kind.make is not None)
        raise SuiteError(f"suite {name} cannot be made, as {can} can")
    opened = make(location, out)
    with progress() as callback:
        for done, _ in enumerate(opened.cases(), start=1):
            callback("rendered cases", done, opened.count)
    print(opened.source)


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="Name or hub id of a suite.")] = "multiid-bench",
    revision: Annotated[str | None, typer.Option(help="Commit or tag on the hub. [default: newest]")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Download a suite, after saying what, from where, how large and under which licence."""
    from idbench import hub, registry
    from idbench.errors import SuiteError

    kinds = {known: kind for known, kind in registry.suites.all().items() if kind.download is not None}
    kind = next(
        (kind for known, kind in kinds.items() if kind.download and name in (known, kind.download.hub_id)), None
    )
    if kind is None or kind.download is None:
        raise SuiteError(f"'{name}' cannot be fetched, as {', '.join(kinds)} can; folders are opened where they are")
    wanted, folder = kind.download, kind.download.folder()
    by_hand = f"on a machine without network, copy its files to {folder} or pass a path to --suite"
    offer = hub.look_up(wanted.hub_id, "dataset", wanted.wanted, revision, by_hand)
    confirm_download(offer, folder, f"{offer.licence or kind.licence} ({kind.licence})", yes)
    with progress() as callback:
        hub.download(offer, folder, callback)
    print(folder)
