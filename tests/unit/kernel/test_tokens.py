"""Service tokens: what verifies, to the second, and what does not."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from services.kernel.errors import AppError
from services.kernel.tokens import LEEWAY, LIFETIME, Claims, TokenKey, Tokens

NOW = datetime(2023, 8, 31, 9, 30, tzinfo=UTC)
SECRET = "s" * 32
CLAIMS = Claims(actor="a-person", audience="upload", organisation_path="/sc/cd/", dossier_id="d1", action="view")
BODY = {
    "sub": "a-person", "aud": "upload", "org": "/sc/cd/", "dos": "d1", "act": "view",
    "iat": int(NOW.timestamp()), "exp": int((NOW + LIFETIME).timestamp()),
}  # fmt: skip


class Clock:
    """Stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> datetime:
        return self.moment


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(clock: Clock) -> Tokens:
    return Tokens([TokenKey(key_id="a", secret=SECRET)], clock)


def signed(body: Mapping[str, object], *, secret: str = SECRET, kid: object = "a", algorithm: str = "HS256") -> str:
    return jwt.encode(dict(body), secret, algorithm=algorithm, headers={"kid": kid})


def refused(tokens: Tokens, token: str, code: str = "token.invalid", audience: str = "upload") -> None:
    with pytest.raises(AppError) as caught:
        tokens.verify(token, audience=audience)
    assert caught.value.code == code
    assert SECRET not in str(caught.value)
    assert len(token) < 10 or token not in str(caught.value)


def test_what_was_minted_verifies(tokens: Tokens) -> None:
    assert tokens.verify(tokens.mint(CLAIMS), audience="upload") == CLAIMS
    looking = replace(CLAIMS, viewer="王审核 · 青山县卫生健康局")
    assert tokens.verify(tokens.mint(looking), audience="upload") == looking
    assert not CLAIMS.is_service
    assert Claims(actor="service:review", audience="upload").is_service


@pytest.mark.parametrize(
    ("age", "accepted"),
    [
        (timedelta(0), True),
        (LIFETIME, True),
        (LIFETIME + LEEWAY, True),
        (LIFETIME + LEEWAY + timedelta(seconds=1), False),
        (timedelta(days=300), False),
    ],
)
def test_it_expires_to_the_second(tokens: Tokens, clock: Clock, age: timedelta, *, accepted: bool) -> None:
    token = tokens.mint(CLAIMS)
    clock.moment = NOW + age
    if accepted:
        assert tokens.verify(token, audience="upload") == CLAIMS
    else:
        refused(tokens, token, "token.expired")


@pytest.mark.parametrize(("ahead", "accepted"), [(LEEWAY, True), (LEEWAY + timedelta(seconds=1), False)])
def test_a_clock_may_be_ahead_by_a_little(tokens: Tokens, clock: Clock, ahead: timedelta, *, accepted: bool) -> None:
    clock.moment = NOW + ahead
    token = tokens.mint(CLAIMS)
    clock.moment = NOW
    if accepted:
        assert tokens.verify(token, audience="upload") == CLAIMS
    else:
        refused(tokens, token)


def test_one_that_was_made_to_last_is_refused(tokens: Tokens) -> None:
    refused(tokens, signed({**BODY, "exp": BODY["exp"] + 1}), "token.expired")  # type: ignore[operator]


def test_it_is_for_one_service(tokens: Tokens) -> None:
    refused(tokens, tokens.mint(CLAIMS), audience="video")


@pytest.mark.parametrize("claim", ["sub", "aud", "iat", "exp"])
def test_nothing_may_be_missing(tokens: Tokens, claim: str) -> None:
    refused(tokens, signed({key: value for key, value in BODY.items() if key != claim}))


@pytest.mark.parametrize("change", [{"exp": "soon"}, {"iat": None}, {"sub": 7}, {"aud": ["upload", 1]}, {"exp": 1e400}])
def test_claims_of_another_form(tokens: Tokens, change: dict[str, object]) -> None:
    refused(tokens, signed({**BODY, **change}))


def test_another_secret_and_another_key_are_refused(tokens: Tokens) -> None:
    refused(tokens, signed(BODY, secret="t" * 32))
    refused(tokens, signed(BODY, kid="b"))
    refused(tokens, signed(BODY, algorithm="HS512", secret=SECRET * 2))


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_an_unsigned_one_is_refused(tokens: Tokens) -> None:
    for algorithm in ("none", "None", "HS256"):
        refused(tokens, f"{part({'alg': algorithm, 'kid': 'a', 'typ': 'JWT'})}.{part(BODY)}.")


def test_every_altered_character_of_claims_or_signature_is_found(tokens: Tokens) -> None:
    header, body, signature = tokens.mint(CLAIMS).split(".")
    other = part({**BODY, "dos": "d2"})
    refused(tokens, f"{header}.{other}.{signature}")
    for position in range(0, len(body), 7):
        letter = "A" if body[position] != "A" else "B"
        refused(tokens, f"{header}.{body[:position]}{letter}{body[position + 1 :]}.{signature}")
    for position in range(len(signature) - 1):  # the last letter holds bits that are not used
        letter = "A" if signature[position] != "A" else "B"
        refused(tokens, f"{header}.{body}.{signature[:position]}{letter}{signature[position + 1 :]}")


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b.c", "张三", "\ud800", "x" * 100_000, "Bearer x", f"{'e30'}.{'e30'}.{'e30'}"]
)
def test_what_is_no_token(tokens: Tokens, token: str) -> None:
    refused(tokens, token)


def test_a_ring_turns(clock: Clock) -> None:
    old, new = TokenKey(key_id="a", secret=SECRET), TokenKey(key_id="b", secret="t" * 32)
    before, during, after = Tokens([old], clock), Tokens([new, old], clock), Tokens([new], clock)
    assert during.verify(before.mint(CLAIMS), audience="upload") == CLAIMS
    assert after.verify(during.mint(CLAIMS), audience="upload") == CLAIMS
    refused(after, before.mint(CLAIMS))


@pytest.mark.parametrize("keys", [[], [TokenKey(key_id="a", secret="s" * 31)]])
def test_a_ring_needs_long_secrets(keys: list[TokenKey], clock: Clock) -> None:
    with pytest.raises(ValueError, match="32 bytes or more"):
        Tokens(keys, clock)
