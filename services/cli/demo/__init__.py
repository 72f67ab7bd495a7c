"""`shenbao demo`: a sample dossier through every service and level, over HTTP as a browser would send it."""
