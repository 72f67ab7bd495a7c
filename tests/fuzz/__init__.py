"""Broken videos and documents by the thousand, through the services' own stages."""
