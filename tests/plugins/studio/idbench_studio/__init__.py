"""Adds to idbench without being part of it."""
