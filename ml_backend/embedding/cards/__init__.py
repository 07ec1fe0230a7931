"""Cards: the pictures that stand for media that have none."""
