"""Label Studio: its client, its label configs, and how its tasks and annotations map to a FiftyOne dataset."""
