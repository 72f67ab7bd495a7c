"""`python -m services.video`: the service as a process."""

from services.kernel.starting import importing

with importing():
    from services.video.main import main

main()
