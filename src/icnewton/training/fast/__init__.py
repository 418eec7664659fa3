"""Short cuts for a training step; each computes what ``training/step.py`` does."""
