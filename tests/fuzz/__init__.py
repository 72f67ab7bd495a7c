"""Broken videos by the thousand, through the service's own stages."""
