"""Estimators of scikit-learn that answer with built transformers: ``fit`` keeps the prompt."""
