"""What the workflow needs: configuration to runs, complaints in words, records, released models."""
