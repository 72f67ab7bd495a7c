"""A bounded reader of ISO base media files (ISO/IEC 14496-12): only what a verdict needs, never a sample's bytes.

No media library sees a file before this has. It trusts no count whose bytes it has not seen, takes linear time and
memory, and turns whatever is wrong into one of the typed errors of `errors`.
"""
