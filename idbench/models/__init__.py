"""Models: anything that turns a case and a seed into an image. Here: images that exist, and oracles."""
