"""Where a sign-in may lead: never to another site."""

import pytest

from services.gateway.pages.signing import inside


@pytest.mark.parametrize("to", ["/", "/mine", "/dossiers/a/materials/b?x=1#c", "/review?state=returned"])
def test_paths_of_this_site_are_kept(to: str) -> None:
    assert inside(to) == to


@pytest.mark.parametrize(
    "to",
    [
        "",
        "mine",
        "//evil.example",
        "/\\evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: x",
    ],
)
def test_everything_else_leads_to_the_front_page(to: str) -> None:
    assert inside(to) == "/"
