"""Everything that computes: embedding, analysis, the store, the actions over them, the Label Studio server."""
