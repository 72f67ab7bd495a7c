"""Pages for people: one module per sort of page."""

from services.gateway.pages import applicant, filming, operating, profile, reviewing, signing, stream, viewing

ROUTERS = tuple(
    module.router for module in (signing, profile, applicant, filming, viewing, reviewing, operating, stream)
)
