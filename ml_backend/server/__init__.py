"""The Label Studio ML backend: protocol, event queue, and a project mirrored into a FiftyOne dataset."""
