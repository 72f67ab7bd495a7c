"""What only Kafka does: topics that must be there, batches that fail in the middle, listeners that ask who it is."""

import asyncio
import datetime as dt
import ipaddress
import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka.errors import NotEnoughReplicasError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.cli.embedded.platform import free_ports
from services.kernel.events.kafka.connection import Security, cluster_of
from services.kernel.events.kafka.log import BATCH_BYTES, KafkaLog
from services.kernel.events.port import EventLogUnavailable, Record, Topic, TopicMissing
from services.kernel.events.topics import declared
from tests.contract.event_logs import DEADLINE_S, fetched
from tests.servers import needed
from tools.stack.kafka import Broker

pytestmark = pytest.mark.xdist_group("kafka")
TOPIC = "shenbao.test"
PASSWORD = "correct horse"
_NUMBERS = itertools.count(1)


@pytest.fixture
def url(broker: Broker) -> str:
    return f"kafka://{broker.address}?prefix=k{next(_NUMBERS)}.&session_timeout_s=2"


@pytest.fixture
async def log(url: str) -> AsyncIterator[KafkaLog]:
    opened = KafkaLog(cluster_of(url, Security()))
    yield opened
    await opened.close()


def record(key: str, payload: bytes = b"") -> Record:
    return Record(topic=TOPIC, key=key, payload=payload)


async def test_every_declared_topic_is_made_once(log: KafkaLog) -> None:
    assert {each.outcome for each in await log.apply_topics(declared())} == {"created"}
    assert set(await log.topics()) == {topic.name for topic in declared()}
    assert {each.outcome for each in await log.apply_topics(declared())} == {"kept"}


async def test_retention_is_brought_into_line_and_partitions_are_left_alone(log: KafkaLog) -> None:
    week = dt.timedelta(days=7)
    topic = Topic(name=TOPIC, partitions=3, retention=week)
    await log.apply_topics([topic])
    for changed, outcome in (
        (replace(topic, retention=2 * week), "changed"),
        (replace(topic, retention=None), "changed"),
        (replace(topic, retention=None), "kept"),
        (replace(topic, partitions=4, retention=None), "refused"),
    ):
        (applied,) = await log.apply_topics([changed])
        assert (applied.outcome, applied.partitions) == (outcome, 3)


async def test_nothing_is_made_by_being_used(log: KafkaLog) -> None:
    with pytest.raises(TopicMissing, match=r"shenbao\.test.*topics apply"):
        await log.append([record("key")])
    with pytest.raises(TopicMissing, match=r"shenbao\.test"):
        await log.subscribe("group", [TOPIC])
    assert await log.topics() == []
    await log.apply_topics([Topic(name=TOPIC)])
    await log.append([record("key")])


async def test_after_a_batch_that_failed_nothing_newer_was_sent_on_its_partition(
    log: KafkaLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    await log.apply_topics([Topic(name=TOPIC, partitions=1)])
    large = [record("key", b"%d" % number + bytes(BATCH_BYTES // 2)) for number in range(5)]
    await log.append(large[:1])
    producer = log._producer
    assert producer is not None
    send, sent = producer.send_batch, itertools.count()

    async def failing(*arguments: object, **named: object) -> object:
        if next(sent) == 1:
            raise NotEnoughReplicasError
        return await send(*arguments, **named)

    monkeypatch.setattr(producer, "send_batch", failing)
    with pytest.raises(EventLogUnavailable, match="NotEnoughReplicas"):
        await log.append(large[1:])
    there = [each.payload[:1] async for each in log.scan(TOPIC)]
    assert there == [b"0", b"1"]
    await log.append(large[1:])
    assert [each.payload[:1] async for each in log.scan(TOPIC)] == [b"0", b"1", b"1", b"2", b"3", b"4"]


async def test_a_record_larger_than_the_broker_takes_waits_for_an_operator(log: KafkaLog) -> None:
    await log.apply_topics([Topic(name=TOPIC, partitions=1)])
    await log.append([record("key", bytes(BATCH_BYTES + 1))])
    with pytest.raises(EventLogUnavailable, match="MessageSizeTooLarge"):
        await log.append([record("key", bytes(2 * BATCH_BYTES))])


async def test_a_member_that_stays_is_given_nothing_and_loses_nothing(log: KafkaLog) -> None:
    await log.apply_topics([Topic(name=TOPIC)])
    member = await log.subscribe("group", [TOPIC])
    assert len(member.assigned) == 24
    await log.append([record("key", b"1")])
    for _ in range(3):
        await member.stay()
    assert [each.payload for each in await fetched(member, 1)] == [b"1"]
    await member.close()


async def test_what_was_handled_while_the_group_shared_anew_is_committed_where_it_is_still_ours(
    log: KafkaLog, url: str
) -> None:
    await log.apply_topics([Topic(name=TOPIC)])
    await log.append([record(f"key-{number}") for number in range(200)])
    first = await log.subscribe("group", [TOPIC])
    held = await fetched(first, 200)
    other = KafkaLog(cluster_of(url, Security()))
    second = await other.subscribe("group", [TOPIC])
    async with asyncio.timeout(DEADLINE_S):
        while len(first.assigned) + len(second.assigned) != 24 or first.assigned & second.assigned:
            await second.fetch(max_records=1, timeout_s=0.1)
    await first.commit(*held)
    kept = {partition for _, partition in first.assigned}
    behind = {lag.partition for lag in await log.lag() if lag.records}
    assert 0 < len(kept) < 24
    assert behind == {each.partition for each in held} - kept
    for member in (first, second):
        await member.close()
    await other.close()


async def test_a_platform_sees_nothing_of_another_on_the_same_cluster(log: KafkaLog, broker: Broker) -> None:
    await log.apply_topics([Topic(name=TOPIC)])
    await log.append([record("key")])
    member = await log.subscribe("group", [TOPIC])
    await member.commit(*await fetched(member, 1))
    await member.close()
    other = KafkaLog(cluster_of(f"kafka://{broker.address}?prefix=other{next(_NUMBERS)}.", Security()))
    assert (await other.topics(), await other.lag()) == ([], [])
    await other.close()


async def test_a_cluster_that_is_away_is_an_outage() -> None:
    (port,) = free_ports(1)
    away = KafkaLog(cluster_of(f"kafka://127.0.0.1:{port}", Security()))
    with pytest.raises(EventLogUnavailable):
        await away.append([record("key")])
    with pytest.raises(EventLogUnavailable):
        await away.subscribe("group", [TOPIC])
    with pytest.raises(EventLogUnavailable):
        await away.lag()
    await away.close()


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that is its own authority, and the same with its key for the broker; PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker.test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    authority, store = folder / "ca.pem", folder / "store.pem"
    authority.write_bytes(public)
    store.write_bytes(private + public)
    return authority, store


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a listener that wants TLS and SCRAM, and whom to trust."""
    folder = tmp_path_factory.mktemp("guarded")
    authority, store = certificate(folder)
    plain, controller, safe = free_ports(3)
    properties = {
        "listeners": f"PLAINTEXT://127.0.0.1:{plain},SASL_SSL://127.0.0.1:{safe},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{plain},SASL_SSL://127.0.0.1:{safe}",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(store),
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
    }
    scram = ("--add-scram", f"SCRAM-SHA-512=[name=shenbao,password={PASSWORD}]")
    with Broker(
        folder=folder / "kafka", port=plain, controller_port=controller, jars=needed("kafka"), properties=properties,
        formatting=scram,
    ):  # fmt: skip
        yield f"kafka://127.0.0.1:{safe}", authority


def security(authority: Path, **changes: str) -> Security:
    known = Security(protocol="SASL_SSL", user="shenbao", password=PASSWORD, ca_file=str(authority))
    return replace(known, **changes)


async def test_tls_and_scram_carry_records_both_ways(guarded: tuple[str, Path]) -> None:
    url, authority = guarded
    log = KafkaLog(cluster_of(url, security(authority)))
    await log.apply_topics([Topic(name=TOPIC)])
    await log.append([record("key", b"safe")])
    member = await log.subscribe("group", [TOPIC])
    assert [each.payload for each in await fetched(member, 1)] == [b"safe"]
    await member.close()
    await log.close()


def refused(guarded: tuple[str, Path], tmp_path: Path) -> Sequence[Security]:
    other, _ = certificate(tmp_path)
    return [security(guarded[1], password="wrong"), security(guarded[1], user="nobody"), security(other)]


async def test_a_wrong_password_and_a_wrong_certificate_are_refused(guarded: tuple[str, Path], tmp_path: Path) -> None:
    for wrong in refused(guarded, tmp_path):
        log = KafkaLog(cluster_of(guarded[0], wrong))
        with pytest.raises(EventLogUnavailable):
            await log.topics()
        await log.close()
