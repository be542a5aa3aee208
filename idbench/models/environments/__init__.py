"""Isolated environments: a virtual environment and the model's repository at one commit, made for a worker's card."""
