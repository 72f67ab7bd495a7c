"""`python -m services.gateway`: the service as a process."""

from services.kernel.starting import NOT_FOR_SERVICES, importing

with importing(without=NOT_FOR_SERVICES):
    from services.gateway.main import main

main()
