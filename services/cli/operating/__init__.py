"""The operator's hands at a running platform: `shenbao dlq`, `jobs`, `lag`, over its REST API."""
