"""Images to vectors: reading files as pixels, preparing pixels for a network, and the embedding models of images."""
