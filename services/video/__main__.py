"""`python -m services.video`: the service as a process."""

from services.kernel.starting import NOT_FOR_SERVICES, importing

with importing(without=NOT_FOR_SERVICES):
    from services.video.main import main

main()
