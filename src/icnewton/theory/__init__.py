"""What can be said without training: bounds and best approximations."""
