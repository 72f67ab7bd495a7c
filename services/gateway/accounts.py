"""What operators do with accounts and organisations, one by one or from a table."""

import csv
import io
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import structlog

from services.catalogue import load
from services.gateway.auth import passwords
from services.gateway.peers import Peers
from services.gateway.repository import Repository
from services.gen.review.v1 import review_pb2 as pb
from services.kernel.errors import AppError, Kind, not_found
from services.kernel.grpc_client import call
from services.kernel.ids import Ids

ROLES = ("applicant", "reviewer", "operator")
ACCOUNT_COLUMNS = ("login", "name", "role", "organisation_id")
ORGANISATION_COLUMNS = ("organisation_id", "parent_id", "name", "level", "kind")
MOST_LINES = 2000
LOGIN = re.compile(r"^[a-z0-9._-]{1,64}$")
_ORGANISATION = re.compile(r"^[a-z0-9-]{1,40}$")
_PASSWORD_BYTES = 12
log = structlog.get_logger()
Sort = Literal["accounts", "organisations"]


@dataclass(frozen=True, kw_only=True, slots=True)
class NewAccount:
    """A local account with one office."""

    login: str
    name: str
    role: str
    organisation_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A new or reset account; the password is told once and must be changed at the first sign-in."""

    account_id: str
    login: str
    first_password: str


class Accounts:
    """The gateway's accounts with their offices at `review`."""

    def __init__(self, repository: Repository, peers: Peers, ids: Ids) -> None:
        """Whether the caller is an operator has been asked before."""
        self._repository = repository
        self._peers = peers
        self._ids = ids

    async def create(self, new: NewAccount, *, by: str) -> Made:
        """Raises `AppError` account.exists, organisation.unknown."""
        await self.check_organisation(new.organisation_id, by=by)
        account_id, password = self._ids.new(), secrets.token_urlsafe(_PASSWORD_BYTES)
        hashed = await passwords.hashed(password)
        if not await self._repository.create_account(account_id, new.login, hashed, must_change=True):
            raise AppError("account.exists", Kind.CONFLICT)
        asked = pb.AssignRoleRequest(
            account_id=account_id,
            role=pb.Role.Value(f"ROLE_{new.role.upper()}"),
            organisation_id=new.organisation_id,
            display_name=new.name,
        )
        await call(self._peers.review.AssignRole, asked, token=self._peers.as_actor(by), idempotent=True)
        log.info("account created", action="gateway.account-created", account=account_id, by=by)
        return Made(account_id=account_id, login=new.login, first_password=password)

    async def organisations(self, *, by: str) -> Sequence[pb.Organisation]:
        """Every organisation, by path."""
        found: list[pb.Organisation] = []
        token = ""
        while True:
            asked = pb.ListOrganisationsRequest(page_size=200, page_token=token)
            page = await call(
                self._peers.review.ListOrganisations, asked, token=self._peers.as_actor(by), idempotent=True
            )
            found.extend(page.organisations)
            token = page.next_page_token
            if not token:
                return found

    async def check_organisation(self, organisation_id: str, *, by: str) -> None:
        """Raises `AppError` organisation.unknown: an account without an office could never do anything."""
        if organisation_id not in {each.organisation_id for each in await self.organisations(by=by)}:
            raise AppError("organisation.unknown", Kind.INVALID)

    async def put_organisation(self, row: Mapping[str, str], *, by: str) -> None:
        """Create or rename. Raises `AppError` organisation.*, catalogue.no-such-route."""
        wanted = pb.Organisation(
            organisation_id=row["organisation_id"], name=row["name"], level=row["level"], kind=row.get("kind", "")
        )
        asked = pb.PutOrganisationRequest(organisation=wanted, parent_id=row.get("parent_id", ""))
        await call(self._peers.review.PutOrganisation, asked, token=self._peers.as_actor(by), idempotent=True)
        log.info("organisation put", action="gateway.organisation-put", organisation=row["organisation_id"], by=by)

    async def reset(self, account_id: str, *, by: str) -> Made:
        """A new first password; every session ends. Raises `AppError` request.not-found."""
        account = await self._repository.account(account_id=account_id)
        if account is None:
            raise not_found("account")
        password = secrets.token_urlsafe(_PASSWORD_BYTES)
        hashed = await passwords.hashed(password)
        await self._repository.change_account(
            account_id, password_hash=hashed, must_change=True, failures=0, locked_until=None
        )
        log.info("password reset", action="gateway.account-reset", account=account_id, by=by)
        return Made(account_id=account_id, login=account.login, first_password=password)

    async def set_disabled(self, account_id: str, *, disabled: bool, by: str) -> None:
        """A disabled account cannot sign in, and its sessions end at once.

        Raises `AppError` request.not-found, account.own (nobody locks himself out).
        """
        if account_id == by:
            raise AppError("account.own", Kind.PRECONDITION)
        if not await self._repository.change_account(account_id, disabled=disabled):
            raise not_found("account")
        log.info("account changed", action="gateway.account-changed", account=account_id, disabled=disabled, by=by)

    async def unlock(self, account_id: str, *, by: str) -> None:
        """End a lockout before its time. Raises `AppError` request.not-found."""
        if not await self._repository.unlock(account_id):
            raise not_found("account")
        log.info("account unlocked", action="gateway.account-unlocked", account=account_id, by=by)


def decoded(content: bytes) -> str:
    """A table's text: UTF-8, or what spreadsheets on Chinese Windows write. Raises `AppError` import.encoding."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise AppError("import.encoding", Kind.INVALID)


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """What is wrong with a line; `code` and `value` are worded by the page."""

    line: int
    code: Literal["fields", "login", "twice", "taken", "name", "role", "organisation", "parent", "level", "kind", "id"]
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A parsed table: its rows, or why it cannot be one."""

    rows: tuple[Mapping[str, str], ...]
    problems: tuple[Problem, ...]


def parse(text: str, columns: Sequence[str]) -> Table:
    """Rows under a header line of exactly these columns. Raises `AppError` import.header, import.too-long."""
    lines = list(csv.reader(io.StringIO(text.strip("\ufeff\n\r "))))
    header = [cell.strip() for cell in lines[0]] if lines else []
    if header != list(columns):
        found = ",".join(header)[:200]
        raise AppError("import.header", Kind.INVALID, measured=found, allowed=",".join(columns))
    if len(lines) - 1 > MOST_LINES:
        raise AppError("import.too-long", Kind.INVALID, measured=len(lines) - 1, allowed=MOST_LINES)
    rows: list[Mapping[str, str]] = []
    problems: list[Problem] = []
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(columns):
            problems.append(Problem(line=number, code="fields", value=str(len(cells))))
            continue
        rows.append({**dict(zip(columns, (cell.strip() for cell in cells), strict=True)), "line": str(number)})
    return Table(rows=tuple(rows), problems=tuple(problems))


def account_problems(rows: Sequence[Mapping[str, str]], taken: set[str], organisations: set[str]) -> Sequence[Problem]:
    """What keeps a table of accounts from being taken in."""
    seen: set[str] = set()
    found: list[Problem] = []
    for row in rows:
        line, login = int(row["line"]), row["login"]
        if not LOGIN.match(login):
            found.append(Problem(line=line, code="login", value=login))
        elif login in seen:
            found.append(Problem(line=line, code="twice", value=login))
        elif login in taken:
            found.append(Problem(line=line, code="taken", value=login))
        seen.add(login)
        if not 0 < len(row["name"]) <= 100 or not row["name"].isprintable():
            found.append(Problem(line=line, code="name", value=row["name"]))
        if row["role"] not in ROLES:
            found.append(Problem(line=line, code="role", value=row["role"]))
        if row["organisation_id"] not in organisations:
            found.append(Problem(line=line, code="organisation", value=row["organisation_id"]))
    return found


def organisation_problems(rows: Sequence[Mapping[str, str]], organisations: set[str]) -> Sequence[Problem]:
    """What keeps a table of organisations from being taken in; a parent may stand above its child in it."""
    sign_off = load.default().sign_off
    levels, kinds = {level.id for level in sign_off.levels}, {route.kind for route in sign_off.routes}
    known = set(organisations)
    found: list[Problem] = []
    for row in rows:
        line = int(row["line"])
        if not _ORGANISATION.match(row["organisation_id"]):
            found.append(Problem(line=line, code="id", value=row["organisation_id"]))
        if row["parent_id"] and row["parent_id"] not in known:
            found.append(Problem(line=line, code="parent", value=row["parent_id"]))
        if not 0 < len(row["name"]) <= 200 or not row["name"].isprintable():
            found.append(Problem(line=line, code="name", value=row["name"]))
        if row["level"] not in levels:
            found.append(Problem(line=line, code="level", value=row["level"]))
        elif row["level"] == "unit" and row["kind"] not in kinds:
            found.append(Problem(line=line, code="kind", value=row["kind"]))
        known.add(row["organisation_id"])
    return found
