"""Pages for people: one module per sort of page."""

from services.gateway.pages import (
    applicant,
    arranging,
    coaching,
    filming,
    operating,
    profile,
    reviewing,
    signing,
    stream,
    viewing,
)

_MODULES = (signing, profile, applicant, arranging, coaching, filming, viewing, reviewing, operating, stream)
ROUTERS = tuple(module.router for module in _MODULES)
