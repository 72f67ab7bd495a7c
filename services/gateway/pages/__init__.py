"""Pages for people: one module per sort of page."""

from services.gateway.pages import applicant, operating, profile, reviewing, signing, stream, viewing

ROUTERS = tuple(module.router for module in (signing, profile, applicant, viewing, reviewing, operating, stream))
