"""Vectors and labels to answers. Knows no host: numpy arrays in, numpy arrays out."""
