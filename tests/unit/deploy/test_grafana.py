"""Dashboard and alerts ask for metrics that exist, by labels that they have; every metric is looked at by somebody."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml

from services.kernel import metrics

ROOT = Path(__file__).parents[3]
GRAFANA = ROOT / "deploy" / "grafana"
DASHBOARD = GRAFANA / "dashboards" / "shenbao.json"
RULES = GRAFANA / "alerts.yaml"
#: Metrics that nobody looks at, and why they are told all the same.
UNUSED: Mapping[str, str] = {}
#: What Prometheus and the page add to every series.
ADDED = {"component", "instance", "job"}
#: Metrics of the client library.
FOREIGN = {"process_resident_memory_bytes": metrics.Row("gauge", ())}
#: What every replica tells alike.
SHARED = {
    "shenbao_jobs", "shenbao_jobs_oldest_waiting_seconds", "shenbao_outbox_events", "shenbao_outbox_oldest_seconds",
    "shenbao_consumer_lag_records", "shenbao_dead_letters", "shenbao_storage_bytes",
}  # fmt: skip
_SUFFIX = re.compile(r"_(bucket|sum|count)$")


def dashboard() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(DASHBOARD.read_text("utf-8"))
    return content


def alerts() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"] for rule in group["rules"]]


def expressions() -> Iterator[tuple[str, str]]:
    """(where, PromQL), with what Grafana puts in put in."""
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            filled = target["expr"].replace("$__rate_interval", "5m").replace("$component", ".*")
            yield f"panel {panel['title']}: {target['refId']}", filled
    for rule in alerts():
        yield f"alert {rule['alert']}", rule["expr"]


EXPRESSIONS = list(expressions())


def nodes(node: Any) -> Iterator[Any]:
    """The expression and everything in it."""
    yield node
    for name in ("lhs", "rhs", "expr", "vector_selector"):
        if (inner := getattr(node, name, None)) is not None:
            yield from nodes(inner)
    for argument in getattr(node, "args", ()):
        yield from nodes(argument)


def series(node: Any) -> list[promql.VectorSelector]:
    """Every series that a node asks for."""
    return [each for each in nodes(node) if isinstance(each, promql.VectorSelector)]


def name_of(selector: promql.VectorSelector) -> str:
    """Its metric; a selector without one is not written here."""
    assert selector.name is not None
    return selector.name


def row_of(name: str) -> tuple[metrics.Row, set[str]]:
    """The metric's line and the labels of the series. Raises `KeyError` for one that is not told."""
    row = {**metrics.TABLE, **FOREIGN}.get(name)
    if row is not None and row.kind != "histogram":
        return row, {*row.labels, *ADDED}
    base = _SUFFIX.sub("", name)
    row = metrics.TABLE[base]
    if row.kind != "histogram" or base == name:
        raise KeyError(name)
    return row, {*row.labels, *ADDED, *(["le"] if name.endswith("_bucket") else [])}


def labels_of(node: Any) -> set[str]:
    """The labels of every series below a node."""
    return {label for each in series(node) for label in row_of(name_of(each))[1]}


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS, ids=[where for where, _ in EXPRESSIONS])
def test_an_expression_asks_for_what_is_told(where: str, expression: str) -> None:
    tree = promql.parse(expression)
    assert series(tree)
    for selector in series(tree):
        _, labels = row_of(name_of(selector))
        assert {matcher.name for matcher in selector.matchers.matchers} <= labels, selector.name
    for node in nodes(tree):
        if isinstance(node, promql.AggregateExpr) and node.modifier is not None:
            assert set(node.modifier.labels) <= labels_of(node), str(node)


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS, ids=[where for where, _ in EXPRESSIONS])
def test_counters_are_asked_for_their_growth_and_replicas_are_not_added_up(where: str, expression: str) -> None:
    tree = promql.parse(expression)
    growing = {
        name_of(selector)
        for call in nodes(tree)
        if isinstance(call, promql.Call) and call.func.name in ("rate", "increase")
        for selector in series(call)
    }
    for name in map(name_of, series(tree)):
        row, _ = row_of(name)
        assert (name in growing) == (row.kind in ("counter", "histogram")), name
    for node in nodes(tree):
        if isinstance(node, promql.AggregateExpr) and str(node).startswith("sum"):
            assert not [name for name in map(name_of, series(node)) if name in SHARED]


def used() -> set[str]:
    trees = [promql.parse(expression) for _, expression in EXPRESSIONS]
    names = {name_of(selector) for tree in trees for selector in series(tree)}
    return {name if name in metrics.TABLE else _SUFFIX.sub("", name) for name in names}


def test_every_metric_is_used_or_said_to_be_unused() -> None:
    assert set(metrics.TABLE) - used() == set(UNUSED)


@pytest.mark.parametrize("name", ["shenbao_nothing", "shenbao_jobs_total", "shenbao_job_duration_seconds"])
def test_the_check_finds_what_is_not_told(name: str) -> None:
    with pytest.raises(KeyError):
        row_of(name)


ALERTS = alerts()


@pytest.mark.parametrize("rule", ALERTS, ids=[rule["alert"] for rule in ALERTS])
def test_an_alert_says_what_it_means_and_where_to_read_on(rule: dict[str, Any]) -> None:
    told = rule["annotations"]
    assert told["summary"]
    assert told["description"]
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    page, _, anchor = told["runbook_url"].partition("#")
    sections = re.split(r"^## ", (ROOT / page).read_text("utf-8"), flags=re.MULTILINE)
    [section] = [text for text in sections if text.partition("\n")[0] == rule["alert"]]
    assert anchor == rule["alert"].lower()
    for part in ("**Means**", "**Look at**", "**Do**"):
        assert part in section
    known = labels_of(promql.parse(rule["expr"]))
    assert set(re.findall(r"\$labels\.(\w+)", f"{told}")) <= known


def test_alerts_and_sections_are_the_same() -> None:
    headings = re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbook.md").read_text("utf-8"), flags=re.MULTILINE)
    assert headings == [rule["alert"] for rule in ALERTS]


def test_the_dashboard_has_no_two_panels_in_one_place() -> None:
    places: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not places & cells, panel["title"]
        assert at["x"] + at["w"] <= 24
        places |= cells
    identifiers = [panel["id"] for panel in dashboard()["panels"]]
    assert len(identifiers) == len(set(identifiers))


def test_provisioning_says_where_the_dashboard_is_to_be() -> None:
    folder = GRAFANA / "provisioning"
    [provider] = yaml.safe_load((folder / "dashboards" / "shenbao.yaml").read_text("utf-8"))["providers"]
    assert f"`{provider['options']['path']}`" in (GRAFANA / "README.md").read_text("utf-8")
    [source] = yaml.safe_load((folder / "datasources" / "prometheus.yaml").read_text("utf-8"))["datasources"]
    assert (source["type"], source["url"]) == ("prometheus", "${PROMETHEUS_URL}")
