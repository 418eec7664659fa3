"""Learning the weights: recipes, curriculum, the engine and the resumable loop."""
