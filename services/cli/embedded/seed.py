"""Organisations and one account per role, planted once into a new data folder.

Organisations and offices go through `review`'s own calls with an operator's token; there is no other way in. The
passwords are drawn at random and stand in `accounts.json`; in local mode they need not be changed first.
"""

import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from services.cli.embedded.folder import DataFolder, write_private
from services.gateway.auth import passwords
from services.gateway.repository import Repository
from services.gen.review.v1 import review_pb2 as pb
from services.gen.review.v1 import review_pb2_grpc
from services.kernel.clock import SystemClock
from services.kernel.db.engine import Database
from services.kernel.grpc_client import call, open_channel
from services.kernel.tokens import Claims, TokenKey, Tokens

_NAMESPACE = uuid.UUID("2b1a6f0c-9e0d-5a70-8a47-52b6f7d1a9c4")


@dataclass(frozen=True, kw_only=True, slots=True)
class SeedOrganisation:
    """One organisation of the sample province; the names are invented."""

    organisation_id: str
    parent_id: str
    name: str
    level: str
    kind: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeedAccount:
    """One account; `password` is empty until it was drawn."""

    login: str
    name: str
    role: str
    organisation_id: str
    password: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seed:
    """What `serve` prints and `accounts.json` holds."""

    url: str
    accounts: tuple[SeedAccount, ...]

    def account(self, login: str) -> SeedAccount:
        """By login. Raises `KeyError`."""
        return {account.login: account for account in self.accounts}[login]


ORGANISATIONS = (
    SeedOrganisation(organisation_id="sc", parent_id="", name="示例省卫生健康委员会", level="province"),
    SeedOrganisation(organisation_id="cd", parent_id="sc", name="锦城市卫生健康委员会", level="city"),
    SeedOrganisation(organisation_id="jc", parent_id="cd", name="锦川县卫生健康局", level="county"),
    SeedOrganisation(organisation_id="jc-h1", parent_id="jc", name="锦川县人民医院", level="unit", kind="county_unit"),
    SeedOrganisation(organisation_id="qy", parent_id="cd", name="青原县卫生健康局", level="county"),
    SeedOrganisation(organisation_id="qy-h1", parent_id="qy", name="青原县人民医院", level="unit", kind="county_unit"),
    SeedOrganisation(
        organisation_id="cd-h1", parent_id="cd", name="锦城市第一人民医院", level="unit", kind="city_unit"
    ),
    SeedOrganisation(
        organisation_id="sc-h1", parent_id="sc", name="示例省立医院", level="unit", kind="provincial_unit"
    ),
)
ACCOUNTS = (
    SeedAccount(login="applicant", name="李川明", role="applicant", organisation_id="jc-h1"),
    SeedAccount(login="unit", name="王审单", role="reviewer", organisation_id="jc-h1"),
    SeedAccount(login="county", name="赵审县", role="reviewer", organisation_id="jc"),
    SeedAccount(login="city", name="钱审市", role="reviewer", organisation_id="cd"),
    SeedAccount(login="province", name="孙审省", role="reviewer", organisation_id="sc"),
    SeedAccount(login="operator", name="周运维", role="operator", organisation_id="sc"),
    SeedAccount(login="applicant-other", name="吴青原", role="applicant", organisation_id="qy-h1"),
    SeedAccount(login="unit-other", name="郑审青", role="reviewer", organisation_id="qy-h1"),
    SeedAccount(login="county-other", name="冯审青", role="reviewer", organisation_id="qy"),
    SeedAccount(login="applicant-city", name="陈市立", role="applicant", organisation_id="cd-h1"),
    SeedAccount(login="unit-city", name="褚审市", role="reviewer", organisation_id="cd-h1"),
    SeedAccount(login="applicant-province", name="卫省立", role="applicant", organisation_id="sc-h1"),
    SeedAccount(login="unit-province", name="蒋审省", role="reviewer", organisation_id="sc-h1"),
)


def account_id(login: str) -> str:
    """The seeded account's id: the same in every folder, so that planting twice plants once."""
    return str(uuid.uuid5(_NAMESPACE, login))


def read(folder: DataFolder) -> Seed | None:
    """What was planted before; None in a new folder."""
    if not folder.accounts.exists():
        return None
    data = json.loads(folder.accounts.read_text("utf-8"))
    return Seed(url=data["url"], accounts=tuple(SeedAccount(**account) for account in data["accounts"]))


async def seed(
    folder: DataFolder, url: str, environment: Mapping[str, str], gateway_database: str, token_secret: str
) -> Seed:
    """Plant what is missing and write `accounts.json` last, so that a crash in between only repeats it."""
    known = read(folder)
    if known is not None:
        if known.url != url:
            known = Seed(url=url, accounts=known.accounts)
            _write(folder, known)
        return known
    drawn = tuple(SeedAccount(**{**asdict(account), "password": secrets.token_urlsafe(9)}) for account in ACCOUNTS)
    await _offices(environment["SHENBAO_REVIEW_ADDRESS"], token_secret)
    await _accounts(gateway_database, drawn)
    planted = Seed(url=url, accounts=drawn)
    _write(folder, planted)
    return planted


def _write(folder: DataFolder, planted: Seed) -> None:
    data = {"url": planted.url, "accounts": [asdict(account) for account in planted.accounts]}
    write_private(folder.accounts, json.dumps(data, ensure_ascii=False, indent=1))


async def _offices(review_address: str, token_secret: str) -> None:
    tokens = Tokens([TokenKey(key_id="a", secret=token_secret)], SystemClock())
    claims = Claims(actor="service:gateway", audience="review", action="operate")
    async with open_channel(review_address) as channel:
        stub = review_pb2_grpc.ReviewServiceStub(channel)
        for organisation in ORGANISATIONS:
            wanted = pb.Organisation(
                organisation_id=organisation.organisation_id,
                name=organisation.name,
                level=organisation.level,
                kind=organisation.kind,
            )
            asked = pb.PutOrganisationRequest(organisation=wanted, parent_id=organisation.parent_id)
            await call(stub.PutOrganisation, asked, token=tokens.mint(claims), idempotent=True)
        for account in ACCOUNTS:
            office = pb.AssignRoleRequest(
                account_id=account_id(account.login),
                role=pb.Role.Value(f"ROLE_{account.role.upper()}"),
                organisation_id=account.organisation_id,
                display_name=account.name,
            )
            await call(stub.AssignRole, office, token=tokens.mint(claims), idempotent=True)


async def _accounts(gateway_database: str, accounts: tuple[SeedAccount, ...]) -> None:
    database = Database(gateway_database, schema="gateway", pool_size=1)
    repository = Repository(database)
    try:
        for account in accounts:
            hashed = await passwords.hashed(account.password)
            identifier = account_id(account.login)
            if not await repository.create_account(identifier, account.login, hashed, must_change=False):
                await repository.set_password(identifier, hashed)  # planted by a start that was cut off
    finally:
        await database.close()
