"""Which language a reader gets."""

from fastapi import Request

from services.catalogue.wording import Lang

COOKIE = "shenbao-language"


def language(request: Request) -> Lang:
    """What the reader chose on a page; else English where the browser asks for it first; Chinese otherwise."""
    chosen = request.cookies.get(COOKIE, "")
    if chosen in ("zh", "en"):
        return "en" if chosen == "en" else "zh"
    return "en" if request.headers.get("accept-language", "").lower().startswith("en") else "zh"
