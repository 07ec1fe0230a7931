"""The panel `data_explorer`: a map of the embeddings to look, find, label and save in."""
