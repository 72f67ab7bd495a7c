"""`python -m services.pdfcheck`: the service as a process."""

from services.kernel.starting import importing

with importing():
    from services.pdfcheck.main import main

main()
