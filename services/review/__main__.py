"""`python -m services.review`: the service as a process."""

from services.kernel.starting import importing

with importing():
    from services.review.main import main

main()
