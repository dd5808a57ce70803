"""Learns a rule sheet from history: what contacts did, and who converted after it."""

from intent.calibrate.model import Calibration, CalibrationRequest
from intent.calibrate.render import print_calibration
from intent.calibrate.run import calibrate

__all__ = [
    "Calibration",
    "CalibrationRequest",
    "calibrate",
    "print_calibration",
]
