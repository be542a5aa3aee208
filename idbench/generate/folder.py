"""Images that exist already: a folder, matched to cases by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from idbench.generate.producer import Produced
from idbench.images import EncodedImage
from idbench.models.image_folder import MatchedImages, unread_line
from idbench.records import Case, Generation
from idbench.schema import counted
from idbench.suites import case_filename

__all__ = ["FolderProducer"]


class FolderProducer:
    """A model whose images lie in a folder.

    Every case is expected to have as many images as most cases have (of equally common counts the
    larger); the seeds a case lacks are missing images, never left out. What a case has beyond is scored.
    """

    def __init__(self, matched: MatchedImages) -> None:
        self.matched = matched
        self._seeds = sorted({seed for seeds in matched.files.values() for seed in seeds}) or [0]
        counts = Counter(len(seeds) for seeds in matched.files.values())
        self._expected = max(counts, key=lambda count: (counts[count], count), default=1)

    def remarks(self, case_ids: Sequence[str], subsets: Sequence[str] = ()) -> Iterator[str]:
        """What of the folder is not scored, lacking, or was understood by another name: one line each.

        subsets : those that were asked for, if not all; then a file may be for a case of another.
        """
        name, matched = self.matched.name, self.matched
        yield from self._about_lacking(case_ids)
        yield from self._about_more(case_ids)
        if matched.loosely:
            case, seeds = next(iter(sorted(matched.files.items())))
            seed, path = next(iter(sorted(seeds.items())))
            count = sum(map(len, matched.files.values()))
            files = counted(count, "file was", "files were")
            yield f"{name}: {files} taken by other names, such as {path.name} for case {case}, seed {seed}"
        if matched.clashes:
            chosen, other = matched.clashes[0]
            images = counted(len(matched.clashes), "image has", "images have")
            yield (
                f"{name}: {images} two files, of which the first by name is scored: "
                f"{chosen}, not {other}; delete the wrong ones"
            )
        if matched.links:
            links = counted(len(matched.links), "file is a link that leads", "files are links that lead")
            yield (
                f"{name}: {links} outside the folders named and {_was(len(matched.links))} not followed, "
                f"first {matched.links[0]}; copy them with 'cp -rL'"
            )
        if matched.unread:
            yield f"{name}: {unread_line(matched.unread)}; convert them to PNG"
        second = {other for _, other in matched.clashes}
        if of_no_case := [file for file in matched.surplus if file not in second and file not in matched.links]:
            asked_for = f" of subset {', '.join(subsets)}" if subsets else ""
            files = counted(len(of_no_case), "file matches", "files match")
            yield f"{name}: {files} no case{asked_for} and {_was(len(of_no_case))} not scored, first {of_no_case[0]}"

    def _about_lacking(self, case_ids: Sequence[str]) -> Iterator[str]:
        name, files = self.matched.name, self.matched.files
        missing = [case_id for case_id in case_ids if case_id not in files]
        if missing:
            wanted = case_filename(missing[0])
            yield (
                f"{name}: {len(missing)} of {len(case_ids)} cases have no image and count as failures; "
                f"expected {wanted}.jpg, {wanted}--7.png or {wanted}/out.jpg"
            )
        fewer = {case_id: lacking for case_id in case_ids if case_id in files and (lacking := self._lacking(case_id))}
        if fewer:
            case_id, seeds = next(iter(fewer.items()))
            yield (
                f"{name}: {len(fewer)} of {len(case_ids)} cases lack seeds that others have, which count as failures; "
                f"first {case_id}, seed {', '.join(map(str, seeds))}"
            )

    def _about_more(self, case_ids: Sequence[str]) -> Iterator[str]:
        files = self.matched.files
        more = [case_id for case_id in case_ids if len(files.get(case_id, ())) > self._expected]
        if more:
            last = max(files[more[0]].items())[1]
            images = counted(self._expected, "image")
            yield (
                f"{self.matched.name}: {len(more)} of {len(case_ids)} cases have more than {images}, "
                f"which are all scored; first {more[0]}, with {last.relative_to(self.matched.root)}"
            )

    def _lacking(self, case_id: str) -> list[int]:
        """The seeds that a case should have and has not."""
        found = self.matched.files.get(case_id, {})
        return [seed for seed in self._seeds if seed not in found][: max(0, self._expected - len(found))]

    def produce(self, case: Case) -> Iterator[Produced]:
        """The folder's images of the case, then one missing image per seed it lacks."""
        name, found = self.matched.name, self.matched.files.get(case.id, {})
        for seed in sorted([*found, *self._lacking(case.id)]):
            if seed in found:
                image = EncodedImage(f"{name}/{found[seed].relative_to(self.matched.root)}", path=found[seed])
                yield Generation(model=name, case=case.id, seed=seed, outcome="generated"), image
            else:
                reason = f"no image for case {case.id}, seed {seed}, in {self.matched.root}"
                yield Generation(model=name, case=case.id, seed=seed, outcome="missing_image", error=reason), None


def _was(count: int) -> str:
    return "was" if count == 1 else "were"
