"""Options stand once, in the configuration: command, file, Python and documentation say and take the same."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import idbench
from idbench import cli
from idbench.calibrate.config import CalibrationConfig, configure
from idbench.config import RunConfig, load_config
from idbench.errors import ConfigError
from idbench.options import options_of, options_table

EXAMPLES: dict[str, Any] = {
    "suite": "synthetic:medium", "subsets": ["p1", "p2"], "images": {"mine": "a", "base": "b=c"},
    "models": ["sim:good", "x=sim:copy=0.5"], "set": ["good.drift=0.1"], "sweeps": ["good.copy=0:1:0.5"],
    "image_size": "768x1024", "seeds": 3, "first_seed": 7, "time_limit": 12.5, "processes": 2, "retry_failed": True,
    "recognizers": ["insightface:antelopev2", "facenet"], "detector": "mtcnn", "detection_threshold": 0.25,
    "allow_mini": True, "protocol": "both", "oracles": False, "clip": "off", "aesthetic": "off", "out": "runs/a run",
    "cache": "here", "device": "cpu", "workers": 3, "batch": 8, "resamples": 500, "level": 0.9, "interval": "bca",
    "statistics_seed": 5, "false_accept_rate": 0.001, "gallery": 0,
}  # fmt: skip
OPTIONS = options_of(RunConfig)

WRONG = [
    ("level", 2, "expected between 0.5 and 0.999, found 2"),
    ("seeds", 0, "expected between 1 and 10000, found 0"),
    ("time_limit", 0, "expected more than 0 and at most 86400, found 0"),
    ("false_accept_rate", 1, "expected more than 0 and less than 1, found 1"),
    ("statistics_seed", -1, "expected at least 0, found -1"),
    ("detection_threshold", float("nan"), "expected between 0 and 1, found nan"),
    ("protocol", "x", "expected strict, paper or both, found 'x'"),
    ("device", "tpu", "expected auto, cpu or cuda, found 'tpu'"),
    ("image_size", "big", "expected WIDTHxHEIGHT in pixels, such as 768x1024, found 'big'"),
    ("models", ["a=sim:", "a=sim:"], "two models are called 'a'; tell them apart with NAME=sim:"),
]


def given(field: str, value: Any) -> list[str]:
    """A value as the command line takes it."""
    positive, _, negative = OPTIONS[field].flags.partition("/")
    if isinstance(value, bool):
        return [positive if value else negative]
    if isinstance(value, dict):
        value = [f"{name}={folder}" for name, folder in value.items()]
    return [part for one in (value if isinstance(value, list) else [value]) for part in (positive, str(one))]


def as_toml(values: dict[str, Any]) -> str:
    plain = {k: v for k, v in values.items() if not isinstance(v, dict)}
    lines = [f"{key} = {'nan' if value != value else json.dumps(value)}" for key, value in plain.items()]
    tables = [(key, value) for key, value in values.items() if isinstance(value, dict)]
    for key, table in tables:
        lines += [f"[{key}]", *(f"{name} = {json.dumps(one)}" for name, one in table.items())]
    return "\n".join(lines)


@pytest.fixture
def executed(monkeypatch, tmp_path):
    """What `idbench.run.execute` is called with, instead of a run."""
    configurations: list[RunConfig] = []

    def stop(config: RunConfig, *_: object, **__: object) -> Path:
        configurations.append(config)
        raise ConfigError("asked")

    monkeypatch.setattr("idbench.run.execute", stop)
    monkeypatch.setattr("idbench.api.execute", stop)
    return configurations


def invoke(*arguments: str) -> str:
    """The error that a command ends with."""
    return str(CliRunner().invoke(cli.app, arguments).exception)


def help_of(*command: str) -> str:
    """The help of a command in one line."""
    return " ".join(CliRunner().invoke(cli.app, [*command, "--help"]).output.split())


def test_command_file_and_python_make_the_same_configuration(executed, tmp_path):
    assert set(EXAMPLES) == set(RunConfig.model_fields)
    (tmp_path / "run.toml").write_text(as_toml(EXAMPLES))
    flags = [part for field, value in EXAMPLES.items() for part in given(field, value)]
    assert (
        invoke("run", *flags) == invoke("score", *flags) == invoke("run", "-c", str(tmp_path / "run.toml")) == "asked"
    )
    with pytest.raises(ConfigError, match="asked"):
        idbench.score(**EXAMPLES)
    assert executed == [RunConfig.model_validate(EXAMPLES)] * 4
    for config in executed:
        values = config.model_dump(mode="json")
        assert values == EXAMPLES
        assert {field: type(value) for field, value in values.items()} == {f: type(v) for f, v in EXAMPLES.items()}


def test_what_is_not_given_is_not_written_down(executed):
    assert invoke("run", "--seeds", "2") == "asked"
    assert executed[0].model_dump(exclude_unset=True) == {"seeds": 2}


def test_options_win_over_the_file(executed, tmp_path):
    (tmp_path / "run.toml").write_text("seeds = 5\nlevel = 0.9\noracles = true\n")
    assert invoke("run", "--config", str(tmp_path / "run.toml"), "--seeds", "2", "--no-oracles") == "asked"
    assert executed[0].model_dump(exclude_unset=True) == {"seeds": 2, "level": 0.9, "oracles": False}


def test_paths_are_taken_where_places_are_asked_for(executed, tmp_path):
    with pytest.raises(ConfigError, match="asked"):
        idbench.score(suite=tmp_path, images={"mine": tmp_path / "a"}, out=tmp_path / "out", cache=tmp_path)
    assert executed[0].images == {"mine": str(tmp_path / "a")}
    assert (executed[0].suite, executed[0].out, executed[0].cache) == (
        str(tmp_path),
        str(tmp_path / "out"),
        str(tmp_path),
    )


@pytest.mark.parametrize(("field", "value", "words"), WRONG)
def test_what_is_wrong_is_said_by_the_name_it_was_given_by(field, value, words, tmp_path):
    assert invoke("run", *given(field, value)) == f"{OPTIONS[field].flag}: {words}"
    with pytest.raises(ConfigError) as error:
        idbench.score(**{field: value})
    assert str(error.value) == f"{field}: {words}"
    path = tmp_path / "run.toml"
    path.write_text(as_toml({field: value}))
    assert invoke("run", "--config", str(path)) == f"config file {path}: {field}: {words}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sede = 3", "no field is called 'sede'; did you mean 'seeds'?"),
        ("zzz = 3", "no field is called 'zzz'; known: suite, subsets,"),
        ("resamples = 'many'", "resamples: expected an integer, found 'many'"),
        ("seeds = 1.5", "seeds: expected an integer, found 1.5"),
        ("level = []", "level: expected a number, found []"),
        ("recognizers = 'facenet'", "recognizers: expected a list, found 'facenet'"),
        ("recognizers = [3]", "recognizers.0: expected text, found 3"),
        ("images = ['a']", "images: expected a mapping, found ['a']"),
        ("images = {m = 3}", "images.m: expected text, found 3"),
        ("suite = 3", "suite: expected text, found 3"),
        ("oracles = 'maybe'", "oracles: expected true or false, found 'maybe'"),
    ],
)
def test_a_file_with_mistakes(text, words, tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        load_config(path, {"out": "somewhere"})
    assert str(error.value).startswith(f"config file {path}: {words}")


def test_a_python_argument_that_does_not_exist():
    with pytest.raises(ConfigError, match=r"no field is called 'seed'; did you mean 'seeds'?"):
        idbench.score(seed=3)


@pytest.mark.parametrize("words", [["--workers", "many"], ["--level", "high"]])
def test_a_number_that_is_none_is_said_as_one_out_of_range(words):
    done = CliRunner().invoke(cli.app, ["run", *words])
    kind = "an integer" if words[0] == "--workers" else "a number"
    assert isinstance(done.exception, ConfigError)
    assert str(done.exception) == f"{words[0]}: expected {kind}, found '{words[1]}'"


@pytest.mark.parametrize("command", ["run", "score"])
def test_help_has_every_option_once_with_default_and_range(command):
    text = help_of(command)
    for option in OPTIONS.values():
        shown = option.flags.replace("/", " / ")
        assert len(re.findall(rf"(?<![\w'-]){re.escape(f'{shown} {option.metavar}'.rstrip())} ", text)) == 1, shown
        assert option.help in text
    assert "[default: 0.95; between 0.5 and 0.999]" in text
    assert "[default: one per GPU; between 1 and 64]" in text
    assert "--protocol strict|paper|both" in text


def test_help_of_a_crosscheck_and_a_calibration():
    crosscheck = help_of("models", "crosscheck")
    assert OPTIONS["recognizers"].help in crosscheck and "--level" not in crosscheck
    assert "--out TEXT Run directory. [default: runs/crosscheck]" in crosscheck
    calibrate = help_of("calibrate")
    for option in options_of(CalibrationConfig).values():
        assert f"{option.flags} {option.metavar} {option.help} [default: {option.default}" in calibrate


def test_a_calibration_says_what_is_wrong():
    assert invoke("calibrate", "--cases", "1") == "--cases: expected between 2 and 500, found 1"
    with pytest.raises(ConfigError, match="cases: expected between 2 and 500, found 1"):
        configure(cases=1)


def test_the_python_signature_is_the_configuration():
    parameters = inspect.signature(idbench.score).parameters
    assert list(parameters) == list(RunConfig.model_fields)
    for name, parameter in parameters.items():
        assert parameter.default == RunConfig.model_fields[name].get_default()
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
    assert parameters["level"].annotation is float
    assert "level : number\n    Level of intervals. (default 0.95; between 0.5 and 0.999)" in inspect.getdoc(
        idbench.score
    )


@pytest.mark.slow
def test_type_checkers_know_the_options(tmp_path):
    api = pytest.importorskip("mypy.api")
    (tmp_path / "user.py").write_text(
        "import idbench\n"
        'run = idbench.score(suite="s", recognizers=["a"], level=0.9)\n'
        "reveal_type(run)\n"
        "idbench.score(sed=3)\n"
    )
    root = Path(__file__).resolve().parent.parent
    said, _, _ = api.run(["--config-file", str(root / "pyproject.toml"), str(tmp_path / "user.py")])
    assert 'Revealed type is "idbench.api.Run"' in said
    assert 'user.py:4: error: Unexpected keyword argument "sed"' in said and said.count("error:") == 1


def test_the_table_for_documentation_has_a_row_per_option():
    rows = list(options_table(RunConfig))
    assert [row["key"] for row in rows] == list(RunConfig.model_fields)
    assert all(row["meaning"] and row["type"] for row in rows)
    (level,) = (row for row in rows if row["key"] == "level")
    assert level == {
        "option": "--level", "key": "level", "type": "number", "default": "0.95", "range": "between 0.5 and 0.999",
        "meaning": "Level of intervals.",
    }  # fmt: skip
