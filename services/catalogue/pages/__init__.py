"""What pages show, and what follows from it: hints for a person, none of which blocks (G-03, G-14)."""
