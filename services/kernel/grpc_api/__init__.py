"""What every service answers beside its own contract."""
