"""Images that exist already: a folder, matched to cases by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from idbench.generate.producer import Produced
from idbench.images import EncodedImage
from idbench.models.image_folder import MatchedImages
from idbench.progress import Warn
from idbench.records import Case, Generation
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

    def warn_of_missing(self, case_ids: Sequence[str], warn: Warn) -> None:
        """One line where cases have no image at all."""
        files, surplus = self.matched.files, self.matched.surplus
        missing = [case_id for case_id in case_ids if case_id not in files]
        if missing:
            wanted = case_filename(missing[0])
            others = f"; {len(surplus)} files match no case, first {surplus[0]}" if surplus else ""
            warn(
                f"{self.matched.name}: {len(missing)} of {len(case_ids)} cases have no image and count as failures; "
                f"expected {wanted}.jpg, {wanted}--7.png or {wanted}/out.jpg{others}"
            )

    def produce(self, case: Case) -> Iterator[Produced]:
        """The folder's images of the case, then one missing image per seed it lacks."""
        name, found = self.matched.name, self.matched.files.get(case.id, {})
        lacking = [seed for seed in self._seeds if seed not in found][: max(0, self._expected - len(found))]
        for seed in sorted([*found, *lacking]):
            if seed in found:
                image = EncodedImage(f"{name}/{found[seed].relative_to(self.matched.root)}", path=found[seed])
                yield Generation(model=name, case=case.id, seed=seed, outcome="generated"), image
            else:
                reason = f"no image for case {case.id} in {self.matched.root}"
                yield Generation(model=name, case=case.id, seed=seed, outcome="missing_image", error=reason), None
