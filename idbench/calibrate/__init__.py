"""Does each metric do what it says? Simulated models with known faults, scored like any other, give the answer."""

from idbench.calibrate.calibration import Calibration
from idbench.calibrate.config import CalibrationConfig, configure
from idbench.calibrate.run import calibrate

__all__ = ["Calibration", "CalibrationConfig", "calibrate", "configure"]
