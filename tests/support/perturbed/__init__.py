"""Random perturbations of a good suite and of a folder of images, and whether what became of them was said."""
