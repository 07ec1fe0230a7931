"""Storage of results in FiftyOne: brain runs, fields, tags, saved views, and the execution store."""
