"""The command line `labelscape`."""
