"""`python -m services.cli`: the same as `shenbao`."""

from services.cli.main import main

main()
