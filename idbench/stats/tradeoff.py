"""The plane of fidelity (x: sim_gt, higher is better) against copying (y: copy-paste, lower is better)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["hypervolume", "line_distances", "pareto_front"]


def pareto_front(x: npt.ArrayLike, y: npt.ArrayLike) -> list[int]:
    """Positions of points that no other point beats (x at least as high and y at least as low, one better), by x.

    Right and down is better; the last point is beaten by the second.

    >>> pareto_front([0.4, 0.6, 0.8, 0.5], [0.0, 0.1, 0.4, 0.3])
    [0, 1, 2]
    """
    xs, ys = np.asarray(x, np.float64), np.asarray(y, np.float64)
    front = []
    for i in range(len(xs)):
        at_least = (xs >= xs[i]) & (ys <= ys[i])
        better = at_least & ((xs > xs[i]) | (ys < ys[i]))
        if np.isfinite(xs[i]) and np.isfinite(ys[i]) and not better.any():
            front.append(i)
    return sorted(front, key=lambda i: (xs[i], ys[i]))


def hypervolume(x: npt.ArrayLike, y: npt.ArrayLike, worst: tuple[float, float] = (0.0, 1.0)) -> float:
    """Area that the points dominate, against the worst point (x low, y high); 0 for none.

    Source: Zitzler and Thiele 1998.

    >>> hypervolume([0.5], [0.0])  # a rectangle, from 0 to .5 and from 0 to 1
    0.5
    >>> round(hypervolume([0.5, 0.8], [0.0, 0.6]), 2)  # the second adds .3 times .4
    0.62
    """
    xs, ys = np.asarray(x, np.float64), np.asarray(y, np.float64)
    inside = (xs > worst[0]) & (ys < worst[1])
    xs, ys = xs[inside], ys[inside]
    area, previous = 0.0, worst[0]
    for i in pareto_front(xs, ys):
        area += (xs[i] - previous) * (worst[1] - ys[i])
        previous = xs[i]
    return float(area)


def line_distances(x: npt.ArrayLike, y: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Signed distance of each model from the trade-off line fitted (least squares) to the *others*.

    x, y : (..., m) with the models last; leading axes are resamples. Positive: more copying than the
    others' trade-off predicts for this fidelity; negative: it breaks the trade-off. nan where fewer
    than three other models are finite or they do not differ in x.

    Three models lie on y = x / 2; the fourth copies less than they predict for its fidelity:

    >>> line_distances([0.2, 0.4, 0.6, 0.8], [0.1, 0.2, 0.3, 0.1]).round(3).tolist()[-1]
    -0.268
    """
    xs, ys = np.asarray(x, np.float64), np.asarray(y, np.float64)
    usable = np.isfinite(xs) & np.isfinite(ys)
    m = xs.shape[-1]
    distances = np.full(xs.shape, np.nan)
    for i in range(m):
        others = usable & (np.arange(m) != i)
        count = others.sum(axis=-1)
        px, py = np.where(others, xs, 0.0), np.where(others, ys, 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean_x, mean_y = px.sum(axis=-1) / count, py.sum(axis=-1) / count
            dx = np.where(others, xs - mean_x[..., None], 0.0)
            dy = np.where(others, ys - mean_y[..., None], 0.0)
            slope = (dx * dy).sum(axis=-1) / (dx**2).sum(axis=-1)
            residual = ys[..., i] - (mean_y + slope * (xs[..., i] - mean_x))
            spread = (dx**2).sum(axis=-1) > 1e-12
            distances[..., i] = np.where((count >= 3) & spread, residual / np.sqrt(1 + slope**2), np.nan)
    return distances
