"""Label Studio as a place: its client, its configs, and how its tasks and annotations match a FiftyOne dataset."""
