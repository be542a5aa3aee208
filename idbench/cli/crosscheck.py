"""models crosscheck: how far two models are apart that shall make the same images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idbench.cli.options import Given
from idbench.cli.output import print_json, print_table, progress

if TYPE_CHECKING:
    from idbench.options import Option
    from idbench.records.crosscheck import Crosscheck, MetricDifference

__all__ = ["crosscheck", "crosscheck_options"]

Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
CROSSCHECK_OUT = "runs/crosscheck"


def crosscheck_options() -> Mapping[str, Option]:
    """The options of a run that a crosscheck takes too."""
    from idbench.cli.run import run_options

    shared = run_options()
    chosen = {field: shared[field] for field in ("suite", "subsets", "seeds", "set", "recognizers")}
    return chosen | {"out": replace(shared["out"], default=CROSSCHECK_OUT)}


def crosscheck(
    a: Annotated[str, typer.Argument(metavar="A", help="A model as in 'idbench run --model': [NAME=]MODEL.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    *,
    given: Given,
    cases: Annotated[
        int | None, typer.Option(min=1, help="Only the first cases, copied into the run directory. [default: all]")
    ] = None,
    json: Json = False,
) -> None:
    """Let two models make the same images and say how far apart images and scores are, e.g. one network twice.

    An ordinary run with both models, gone on with if it was stopped; crosscheck.json and crosscheck.csv go into it.
    """
    from idbench.cli.output import warn
    from idbench.config import load_config
    from idbench.diagnostics import crosscheck as checking
    from idbench.models.specs import specs_of
    from idbench.run import execute
    from idbench.suites import open_suite

    asked = {"out": CROSSCHECK_OUT} | given.values | {"models": [a, b], "oracles": False}
    config = load_config(None, asked, given.called)
    one, other = (spec.name for spec in specs_of(config))
    if cases is not None:
        first = checking.keep_first(open_suite(config.suite, config.subsets), cases, Path(config.out).expanduser())
        config = load_config(None, asked | {"suite": str(first), "subsets": None}, given.called)
    with progress() as callback:
        run = execute(config, callback, warn)
    found = checking.crosscheck(run, one, other)
    if json:
        print_json(found.model_dump(mode="json"))
    else:
        _print_crosscheck(found)
        print(run / "crosscheck.json")


def _print_crosscheck(found: Crosscheck) -> None:
    images = found.images.summary
    print(f"{found.a} - {found.b}: {images.compared} of {images.images} images compared, {images.equal} equal")
    for reason, count in images.not_compared.items():
        print(f"  not compared: {count} ({reason})")
    cells = [_number(images.mean), _number(images.largest, "g"), _number(images.psnr, ".1f"), _number(images.ssim)]
    print_table(["pixels, 0..255", "mean", "largest", "PSNR dB", "SSIM"], [["all images", *cells]])
    for name, compared in found.recognizers.items():
        print(f"\n{name}: {compared.other_outcomes} of {compared.people} people with another outcome")
        rows = [_row(metric, about) for metric, about in compared.metrics.items()]
        print_table(["metric", found.a, found.b, "difference", "largest", "at"], rows)
    print(f"\n{found.note}")


def _row(metric: str, about: MetricDifference) -> list[str]:
    gap, largest = about.difference, about.largest
    span = "" if gap.low is None else f" [{gap.low:.3f}, {gap.high:.3f}]"
    place = f"{largest.case}--{largest.seed}, person {largest.person + 1}" if largest.difference else ""
    numbers = [_number(about.a), _number(about.b), f"{gap.mean:.3f}{span}", _number(largest.difference)]
    return [metric, *numbers, place]


def _number(value: float | None, form: str = ".3f") -> str:
    return "–" if value is None else format(value, form)
