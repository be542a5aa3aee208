"""Suites: named, fingerprinted sets of cases."""

from idbench.suites.base import Suite, case_filename
from idbench.suites.boxes import parse_boxes
from idbench.suites.index import CaseEntry, SuiteIndex, index_case, with_photos
from idbench.suites.specs import open_suite

__all__ = [
    "CaseEntry",
    "Suite",
    "SuiteIndex",
    "case_filename",
    "index_case",
    "open_suite",
    "parse_boxes",
    "with_photos",
]
