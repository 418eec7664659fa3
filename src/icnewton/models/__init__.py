"""The transformer, prompt formats, models with their cards, and families of learned models."""
