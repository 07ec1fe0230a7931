"""Real servers in processes of their own, for tests and benchmarks; not part of the installed package."""
