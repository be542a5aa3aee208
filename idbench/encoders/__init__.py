"""Whole-image encoders: CLIP for prompt and scene, a predictor for aesthetics. Used where weights exist."""
