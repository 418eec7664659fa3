"""Pages that look inside a transformer: a walk through one prompt, and an explorer of the laws."""
