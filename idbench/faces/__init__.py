"""Faces: detection once per image, one crop per alignment, any number of recognizers."""
