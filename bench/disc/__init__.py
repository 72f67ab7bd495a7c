"""A disc image beside the tools of the trade."""
