"""What constructions share: heads, neurons, gadgets with their bounds, budgets."""
