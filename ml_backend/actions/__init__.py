"""What a user can do; each action is written once on top of store, analysis, and embedding, and every host calls it."""
