"""Protocols: the rules from faces to numbers. `strict` is ours, `paper` reproduces the published script."""
