"""What the API answers, as OpenAPI shows it. `plain` makes the bodies themselves; a test holds the two together."""
