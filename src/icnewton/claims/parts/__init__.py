"""What claims share: evidence, scopes, claims, and how their table is shown."""
