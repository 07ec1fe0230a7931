"""Videos: frames to vectors of an image model, and their mean."""
