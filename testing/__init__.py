"""Real servers in separate processes, for tests and benchmarks; not part of the installed package."""
