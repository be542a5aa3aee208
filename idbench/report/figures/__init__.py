"""Geometry of the report's figures; the templates draw it as SVG."""
