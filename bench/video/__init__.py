"""The video service beside the tools of the trade."""
