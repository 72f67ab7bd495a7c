"""`python -m services.gateway`: the service as a process."""

from services.kernel.starting import importing

with importing():
    from services.gateway.main import main

main()
