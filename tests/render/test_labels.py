"""Labels of points."""

from __future__ import annotations

from idbench.render.labels import place


def test_labels_do_not_cover_points_that_have_room():
    points = [(100.0, 100.0, "a model"), (130.0, 104.0, "another"), (115.0, 130.0, "third")]
    shift = {"start": 0.0, "middle": 0.5, "end": 1.0}
    labels = [(one, 6.6 * len(one.text)) for one in place(points, [p[:2] for p in points], 640, 10, 400)]
    lefts = [one.x - shift[one.anchor] * wide for one, wide in labels]
    boxes = [(x, one.y - 10, x + wide, one.y + 3) for x, (one, wide) in zip(lefts, labels, strict=True)]
    for a in range(3):
        for b in range(a):
            apart = (
                boxes[a][2] <= boxes[b][0]
                or boxes[b][2] <= boxes[a][0]
                or boxes[a][3] <= boxes[b][1]
                or boxes[b][3] <= boxes[a][1]
            )
            assert apart
