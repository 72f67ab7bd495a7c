"""Whose name a token carries into pictures: that of who looks at somebody else's dossier, and only there."""

from services.kernel.clock import SystemClock
from services.kernel.tokens import TokenKey, Tokens
from services.review.domain.records import Role
from services.review.usecases.context import Context
from services.review.usecases.offices import authorise
from tests.integration.review.conftest import office
from tests.integration.review.test_watching import opened, submitted

TOKENS = Tokens([TokenKey(key_id="a", secret="s" * 32)], SystemClock())
SERVICES = ("upload", "video", "pdfcheck")


async def viewers(context: Context, account_id: str, dossier_id: str) -> list[str]:
    grant = await authorise(context, TOKENS, account_id, dossier_id, "view", "", "")
    return [TOKENS.verify(grant.tokens[each], audience=each).viewer for each in SERVICES]


async def test_a_reviewer_is_named_with_the_office_and_the_applicant_is_not(context: Context) -> None:
    dossier = await opened(context, "a")
    await submitted(context, dossier)
    clerk = await office(context, "clerk", Role.REVIEWER, "h1")
    assert await viewers(context, clerk, dossier.dossier_id) == ["", "", "姓名clerk · 机构h1"]
    assert await viewers(context, "a", dossier.dossier_id) == ["", "", ""]


async def test_a_name_without_end_still_fits_into_a_call(context: Context) -> None:
    dossier = await opened(context, "a")
    await submitted(context, dossier)
    await context.work.assign("clerk", Role.REVIEWER, "h1", "\u202e长" * 5000)
    grant = await authorise(context, TOKENS, "clerk", dossier.dossier_id, "view", "", "")
    assert len(grant.tokens["pdfcheck"]) < 2000
    assert TOKENS.verify(grant.tokens["pdfcheck"], audience="pdfcheck").viewer.endswith("机构h1")
