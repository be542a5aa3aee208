"""A vendor that runs here, and a suite of four cases."""

from support.small_suite import suite
from support.vendors import vendor, which

__all__ = ["suite", "vendor", "which"]
