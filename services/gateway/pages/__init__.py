"""Pages for people: one module per sort of page."""

from services.gateway.pages import (
    applicant,
    arranging,
    filming,
    operating,
    profile,
    reviewing,
    signing,
    stream,
    viewing,
)

ROUTERS = tuple(
    module.router for module in (signing, profile, applicant, arranging, filming, viewing, reviewing, operating, stream)
)
