"""Where answers live: FiftyOne brain runs, fields, tags, saved views, the execution store."""
