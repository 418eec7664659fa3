"""What the figures share: kinds, words, looks, lines and notes."""
