"""Libraries that make sample files, one module each."""
