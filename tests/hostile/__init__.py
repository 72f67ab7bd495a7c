"""Hostile documents through everything that the pdfcheck service does with a document."""
