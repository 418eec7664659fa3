"""Learning the weights: recipes, curriculum, steps and the resumable loop."""
