"""The embedded platform: everything on one machine, below one data folder."""
