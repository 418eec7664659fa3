"""How good answers are: errors and their statistics, and measurements that need no training."""
