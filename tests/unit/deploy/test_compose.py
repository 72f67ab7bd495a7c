"""The composed platform is the stack's twin: the same processes and roles, real settings, nothing open or secret."""

import re
from typing import Any

import pytest
import yaml

from services.gateway.settings import Settings as GatewaySettings
from services.kernel import runtime
from services.kernel.config import ServiceSettings
from services.kernel.db.roles import OWNER, SERVICES, role_of
from services.pdfcheck.settings import Settings as PdfcheckSettings
from services.review.settings import Settings as ReviewSettings
from services.upload.settings import Settings as UploadSettings
from services.video.settings import Settings as VideoSettings
from tests.unit.deploy.compose import FILE, FOLDER, OWN, environments, running, services
from tools.stack.bucket import STORING
from tools.stack.processes import processes

SETTINGS: dict[str, type[ServiceSettings]] = {
    "upload": UploadSettings,
    "video": VideoSettings,
    "pdfcheck": PdfcheckSettings,
    "review": ReviewSettings,
    "gateway": GatewaySettings,
}
#: Read by the command line and by nothing else.
OPERATORS = {"SHENBAO_DATABASE"}
VARIABLE = re.compile(r"\$\{[A-Z_]+(:\?[^}]*)?\}")
PLATFORM = [name for name, service in running().items() if service["image"].startswith(OWN) and name != "objects"]


def counterpart(process: str) -> str:
    """`video-worker-2` is a replica of `video-worker`."""
    return re.sub(r"-\d+$", "", process)


def service_of(name: str) -> str:
    """The platform's service that a composed one is a process of."""
    return name.removesuffix("-worker")


def known(settings: type[ServiceSettings]) -> set[str]:
    """Names in the environment that a service reads."""
    found = {f"SHENBAO_{name.upper()}" for name in settings.model_fields if name != "database"}
    alias: Any = settings.model_fields["database"].validation_alias
    return found | {alias.choices[0]}


def test_every_process_of_the_stack_has_its_counterpart_and_no_other_is_there() -> None:
    wanted: dict[str, int] = {}
    for process in processes():
        wanted[counterpart(process.name)] = wanted.get(counterpart(process.name), 0) + 1
    replicas = {name: running()[name].get("deploy", {}).get("replicas", 1) for name in PLATFORM}
    assert replicas == wanted


@pytest.mark.parametrize("process", processes(), ids=lambda process: process.name)
def test_a_counterpart_has_the_same_roles_and_its_service_s_image(process: Any) -> None:
    service = running()[counterpart(process.name)]
    assert service["environment"].get("SHENBAO_ROLES", "") == ",".join(process.roles)
    assert service["image"].startswith(f"{OWN}{process.service}:")
    assert service["build"]["args"]["SERVICE"] == process.service
    answers = "api" in process.roles
    assert ("SHENBAO_LISTEN" in service["environment"]) == answers


@pytest.mark.parametrize("name", PLATFORM)
def test_a_service_is_told_nothing_that_it_does_not_read(name: str) -> None:
    assert set(environments()[name]) <= known(SETTINGS[service_of(name)])


def test_everything_else_is_told_settings_that_exist() -> None:
    every = OPERATORS.union(*map(known, SETTINGS.values()))
    for name, told in environments().items():
        assert {key for key in told if key.startswith("SHENBAO_")} <= every, name


@pytest.mark.parametrize("name", PLATFORM)
def test_a_service_has_its_own_database_role_and_its_own_account(name: str) -> None:
    service, told = service_of(name), environments()[name]
    databases = [value for key, value in told.items() if key.endswith("_DATABASE")]
    assert databases == [told[f"SHENBAO_{service.upper()}_DATABASE"]]
    assert databases[0].startswith(f"postgresql+asyncpg://{role_of(service)}:${{{service.upper()}_PASSWORD")
    assert told.get("SHENBAO_OBJECTS_ACCESS_KEY") == (service if service in STORING else None)
    assert told["SHENBAO_MODE"] == "production"


def test_the_owner_and_the_administrators_are_known_where_they_are_needed_only() -> None:
    text = {name: yaml.safe_dump(dict(service)) for name, service in services().items()}
    assert {name for name, told in text.items() if OWNER in told} == {"migrate"}
    assert {name for name, told in text.items() if "${POSTGRES_PASSWORD" in told} == {"postgres", "migrate"}
    assert {name for name, told in text.items() if "${OBJECTS_ROOT_KEY" in told} == {"objects", "bucket"}


def test_migration_knows_every_role_that_it_makes() -> None:
    wanted = {f"SHENBAO_{service.upper()}_DATABASE" for service in SERVICES} | OPERATORS
    assert {key for key in environments()["migrate"] if key.endswith("DATABASE")} == wanted


def secrets_of(text: str) -> set[str]:
    """Lines that give a password or a key as it is."""
    secret = re.compile(r"^\s*\w*(PASSWORD|SECRET|TOKEN|_KEYS?|LOOKUP_KEY)\w*: *(?P<value>.+)$")
    found = {line: match["value"] for line in text.splitlines() if (match := secret.match(line))}
    public = {"SHENBAO_OBJECTS_ACCESS_KEY", "ROOT_ACCESS_KEY"}  # names of accounts
    return {
        line for line, value in found.items()
        if line.split(":")[0].strip() not in public and not re.fullmatch(r"(a:)?\$\{[A-Z_]+:\?.*\}", value)
    }  # fmt: skip


def test_no_secret_stands_in_the_file() -> None:
    text = FILE.read_text("utf-8")
    assert secrets_of(text) == set()
    for user_info in re.findall(r"://([^/\s]*)@", VARIABLE.sub("$", text)):
        assert user_info.endswith(":$"), user_info
    assert "development-only" not in text


@pytest.mark.parametrize(
    "line", ["  POSTGRES_PASSWORD: hunter2", "  SHENBAO_TOKEN_KEYS: a:b", "  AUDIT_KEY: ${AUDIT_KEY}", "  X_SECRET: 1"]
)
def test_the_check_finds_a_secret_and_a_variable_that_may_be_empty(line: str) -> None:
    assert secrets_of(f"a:\n{line}\n") == {line}


def test_every_variable_is_demanded() -> None:
    used = re.findall(r"\$\{[^}]*\}", FILE.read_text("utf-8"))
    assert used
    assert [each for each in used if ":?" not in each] == []


@pytest.mark.parametrize("name", services())
def test_an_image_is_pinned_by_tag(name: str) -> None:
    image, _, tag = services()[name]["image"].rpartition(":")
    assert image
    assert re.fullmatch(r"v?\d[\w.-]*", tag)


@pytest.mark.parametrize("name", services())
def test_nobody_is_root_or_may_become_it(name: str) -> None:
    service = services()[name]
    user, _, _ = service["user"].partition(":")
    assert int(user) > 0
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "pid", "network_mode", "devices"} & set(service)
    # Kafka's start script writes into its own folder.
    assert service["read_only"] == (name != "kafka")
    assert any(each.startswith("/tmp") for each in service["tmpfs"])
    assert {"mem_limit", "pids_limit"} <= set(service)


def test_only_what_browsers_need_is_published_and_on_loopback_only() -> None:
    published = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert set(published) == {"gateway", "objects", "grafana"}
    for ports in published.values():
        assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in ports)
    content = yaml.safe_load(FILE.read_text("utf-8"))
    assert content["networks"]["inner"] == {"internal": True}
    assert {name for name, service in services().items() if service["networks"] != ["inner"]} == set(published)


@pytest.mark.parametrize("name", running())
def test_what_runs_says_whether_it_is_healthy_and_is_started_again(name: str) -> None:
    service = running()[name]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", PLATFORM)
def test_a_service_starts_after_what_it_finds_and_has_time_to_stop(name: str) -> None:
    service = running()[name]
    assert set(service["depends_on"]) == {"migrate", "topics", "bucket"}
    assert {each["condition"] for each in service["depends_on"].values()} == {"service_completed_successfully"}
    # First its parts are waited for, then its gRPC server; a container's start and end take some of it too.
    assert int(service["stop_grace_period"].removesuffix("s")) >= 2 * runtime.GRACE_S + 10


def test_prometheus_asks_every_process() -> None:
    [job] = yaml.safe_load((FOLDER / "prometheus.yaml").read_text("utf-8"))["scrape_configs"]
    [found] = job["dns_sd_configs"]
    assert found["names"] == PLATFORM
    for name in PLATFORM:
        assert environments()[name]["SHENBAO_METRICS_LISTEN"] == f"0.0.0.0:{found['port']}"


def test_what_is_mounted_is_there() -> None:
    mounts = [each for service in services().values() for each in service.get("volumes", ()) if each.startswith(".")]
    assert mounts
    for mount in mounts:
        source, _, how = mount.partition(":")
        assert (FOLDER / source).exists(), source
        assert how.endswith(":ro"), mount
