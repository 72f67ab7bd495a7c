"""More workers on the same jobs: exactly once, most urgent first, and handed over when a worker goes."""
