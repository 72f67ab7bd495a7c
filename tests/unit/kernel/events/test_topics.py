"""The declared topics are the ones that the services write and read."""

from collections.abc import Iterable
from typing import cast

import pytest

from services.catalogue import load
from services.gen.events.v1 import events_pb2
from services.kernel.events.port import PARTITIONS, Topic
from services.kernel.events.topics import HEARS, RETENTION, applied_topic, declared, topic, topic_of
from services.kernel.ids import Ids, TimeOrderedIds
from services.pdfcheck import consumer as pdfcheck
from services.pdfcheck.ports import Coaching, Qualities, Suggestions, Twins, TypedTexts, Writing
from services.review import consumer as review
from services.upload import consumer as upload
from services.video import consumer as video

IDS: Ids = TimeOrderedIds()
HANDLED: dict[str, Iterable[str]] = {
    "upload": upload.handlers(IDS),
    "video": video.handlers(load.default(), IDS),
    "pdfcheck": pdfcheck.handlers(
        load.default(),
        cast("Writing", None),
        cast("Qualities", None),
        cast("Suggestions", None),
        cast("Twins", None),
        cast("Coaching", None),
        cast("TypedTexts", None),
        IDS,
    ),
    "review": review.EFFECTS,
}


@pytest.mark.parametrize("version", ["v1", "v2", "v10"])
def test_all_facts_of_a_service_share_its_topic(version: str) -> None:
    assert topic_of(f"shenbao.video.video-checked.{version}") == "shenbao.video"
    assert topic_of(f"shenbao.video.disc-built.{version}") == "shenbao.video"


@pytest.mark.parametrize("service", HANDLED)
def test_a_service_hears_what_it_has_handlers_for(service: str) -> None:
    assert sorted({topic_of(event_type) for event_type in HANDLED[service]}) == [f"shenbao.{s}" for s in HEARS[service]]


def test_every_handled_type_is_a_message_of_the_contract() -> None:
    for event_type in {each for handled in HANDLED.values() for each in handled}:
        fact = event_type.split(".")[2]
        assert hasattr(events_pb2, "".join(word.capitalize() for word in fact.split("-"))), event_type


def test_facts_are_wide_and_dead_letters_are_one_row_for_ever() -> None:
    names = {each.name: each for each in declared()}
    assert names["shenbao.upload"] == Topic(name="shenbao.upload", partitions=PARTITIONS, retention=RETENTION)
    assert names["shenbao.upload.review.dlq"] == Topic(name="shenbao.upload.review.dlq", partitions=1, retention=None)
    assert {name for name in names if name.endswith(".dlq")} == {
        f"shenbao.{source}.{group}.dlq" for group, sources in HEARS.items() for source in sources
    }


@pytest.mark.parametrize(
    ("partitions", "created", "changed", "outcome"),
    [
        (24, True, False, "created"),
        (24, False, True, "changed"),
        (24, False, False, "kept"),
        (12, False, True, "refused"),
    ],
)
def test_what_is_said_of_a_topic(partitions: int, *, created: bool, changed: bool, outcome: str) -> None:
    applied = applied_topic(topic("shenbao.upload"), partitions, created=created, changed=changed)
    assert (applied.name, applied.outcome, applied.partitions) == ("shenbao.upload", outcome, partitions)
