"""Quality hints on generated pages."""
