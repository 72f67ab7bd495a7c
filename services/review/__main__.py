"""`python -m services.review`: the service as a process."""

from services.kernel.starting import NOT_FOR_SERVICES, importing

with importing(without=NOT_FOR_SERVICES):
    from services.review.main import main

main()
