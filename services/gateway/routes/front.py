"""The front page: what this is, and where the API is. Pages for people come with their own work."""

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.templating import Jinja2Templates

from services.catalogue import load
from services.gateway.problems import language

router = APIRouter(include_in_schema=False)
_templates = Jinja2Templates(directory=Path(__file__).parent.parent / "templates")


@router.get("/", response_class=HTMLResponse)
async def front(request: Request) -> Response:
    """Chinese first; English for browsers that ask for it."""
    catalogue = load.default()
    values = {"lang": language(request), "catalogue": catalogue}
    return _templates.TemplateResponse(request, "front.html", values)
