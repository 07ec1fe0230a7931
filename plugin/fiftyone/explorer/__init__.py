"""The panel `data_explorer`: a map of the embeddings to explore, search, label, and save."""
