"""The topics of the platform: what there is, how wide, and for how long a record stays.

One topic per publishing service, keyed by aggregate: all facts of one aggregate from one service keep their order,
whatever they say (ADR 0010). A group's dead letters for a topic are a topic of one partition that keeps them for ever.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from services.kernel.events.port import PARTITIONS, AppliedTopic, Outcome, Topic

PREFIX = "shenbao."
#: Longer than any consumer may be away, shorter than an inbox remembers (`relay.KEEP_INBOX`).
RETENTION = timedelta(days=30)
#: Service → the services whose facts it hears.
HEARS: Mapping[str, Sequence[str]] = {
    "upload": ("review",),
    "video": ("review", "upload"),
    "pdfcheck": ("review", "upload"),
    "review": ("pdfcheck", "upload", "video"),
}
_DEAD_LETTERS = ".dlq"


def topic_of(event_type: str) -> str:
    """The topic that carries events of this type: "shenbao.upload" for "shenbao.upload.file-stored.v1"."""
    return ".".join(event_type.split(".")[:2])


def dead_letter_topic(topic: str, group: str) -> str:
    """Where a group puts the records of `topic` that it cannot have an effect from."""
    return f"{topic}.{group}{_DEAD_LETTERS}"


def is_dead_letter_topic(topic: str) -> bool:
    """Whether a topic holds dead letters."""
    return topic.endswith(_DEAD_LETTERS)


def topic(name: str) -> Topic:
    """How a topic of this name is to be."""
    if is_dead_letter_topic(name):
        return Topic(name=name, partitions=1, retention=None)
    return Topic(name=name, partitions=PARTITIONS, retention=RETENTION)


def declared() -> Sequence[Topic]:
    """Every topic of the platform, each service's facts followed by the dead letters of those that hear them."""
    names = []
    for source in sorted(HEARS):
        names.append(PREFIX + source)
        names += [dead_letter_topic(PREFIX + source, group) for group in sorted(HEARS) if source in HEARS[group]]
    return [topic(name) for name in names]


def applied_topic(wanted: Topic, partitions: int, *, created: bool = False, changed: bool = False) -> AppliedTopic:
    """What is to be said of a topic that has so many partitions now."""
    if partitions != wanted.partitions:
        return AppliedTopic(name=wanted.name, outcome="refused", partitions=partitions)
    outcome: Outcome = "created" if created else "changed" if changed else "kept"
    return AppliedTopic(name=wanted.name, outcome=outcome, partitions=partitions)
