"""A vendor that runs here."""

from support.vendors import impatient, vendor, which

__all__ = ["impatient", "vendor", "which"]
