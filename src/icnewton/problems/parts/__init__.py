"""What problems share: conditions, covariances, prompts in memory and on disk."""
