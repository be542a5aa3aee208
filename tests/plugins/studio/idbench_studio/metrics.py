"""A metric."""

import numpy as np

from idbench.metrics import Metric

SAME_SIGN = Metric(
    "same_sign", "same sign", 0, 1, "higher", "share",
    compute=lambda view: float((np.sign(view.generated) == np.sign(view.target)).mean()),
)  # fmt: skip
