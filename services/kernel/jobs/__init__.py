"""Work that takes longer than a message may: rows in the service's own database, leased by workers."""
