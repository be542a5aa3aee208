"""A run directory: what lies where in it, and whether it may be used."""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import ValidationError

from idbench.errors import RunError
from idbench.out_folder import RUN, check_out
from idbench.records.run import RunRecord
from idbench.records.summary import Summary
from idbench.stats import Verification
from idbench.store import write_json
from idbench.suites import SuiteIndex

__all__ = ["RunFolder"]


@dataclass(frozen=True)
class RunFolder:
    """One run's directory. Only its owner, who holds the lock, writes into it."""

    path: Path

    @property
    def ledger(self) -> Path:
        """What became of every image."""
        return self.path / "generations.jsonl"

    @property
    def images(self) -> Path:
        """Images that are made here."""
        return self.path / "images"

    @property
    def logs(self) -> Path:
        """What processes of models write on stderr."""
        return self.path / "logs"

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder for files that are needed until the run ends.

        What a killed run left there is deleted.
        """
        folder = self.path / ".work"
        shutil.rmtree(folder, ignore_errors=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def previous(self) -> RunRecord | None:
        """The record of the run before in this directory. Raises `RunError` if something else lies here."""
        path = self.path / "run.json"
        check_out(self.path, RUN)
        if not path.exists():
            return None
        try:
            return RunRecord.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise RunError(f"{path} is not a run record; choose another --out") from error

    def check_same_suite(self, previous: RunRecord | None, index: SuiteIndex) -> None:
        """Raises `RunError` if the run before was on another suite."""
        old = previous.suite.fingerprint if previous and previous.suite else ""
        if old and old != index.fingerprint:
            raise RunError(
                f"{self.path} holds a run on another suite, or on other cases or subsets (fingerprint {old[:12]}, "
                f"these cases {index.fingerprint[:12]}); choose another --out"
            )

    def write_record(self, record: RunRecord) -> None:
        """Write `run.json`."""
        write_json(self.path / "run.json", record.model_dump(mode="json", exclude_unset=True))

    def write_verifications(self, found: Mapping[str, Verification]) -> None:
        """Write `verification.json`: per recognizer how well it tells the suite's people apart."""
        write_json(self.path / "verification.json", {name: asdict(one) for name, one in found.items()})
        (self.path / "judges.json").unlink(missing_ok=True)

    def remove_other_faces(self, recognizers: Collection[str]) -> None:
        """Delete tables of faces that an earlier run with other recognizers left."""
        kept = set(map(_as_file, recognizers))
        for path in (self.path / "faces").glob("*.parquet"):
            if _as_file(path.stem) not in kept:
                path.unlink()

    def write_summary(self, summary: Summary) -> None:
        """Write `summary.json`."""
        write_json(self.path / "summary.json", summary.model_dump(mode="json", exclude_unset=True))


def _as_file(name: str) -> str:
    """Equal for names that a file system may take for one."""
    return unicodedata.normalize("NFC", name).casefold()
