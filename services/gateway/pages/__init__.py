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
    writing,
)

_MODULES = (signing, profile, applicant, arranging, coaching, writing, filming, viewing, reviewing, operating, stream)
ROUTERS = tuple(module.router for module in _MODULES)
