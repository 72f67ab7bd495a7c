"""`python -m services.upload`: the service as a process."""

from services.kernel.starting import importing

with importing():
    from services.upload.main import main

main()
