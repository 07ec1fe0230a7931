"""A user's own trained network: opened from a file, cut before its classifier, embedding and predicting in one pass."""
