"""What a `kafka://` URL and the security settings may say."""

import ssl
from pathlib import Path

import pytest

from services.kernel.errors import AppError
from services.kernel.events.kafka.connection import Cluster, Security, cluster_of

PLAIN = Security()


def test_servers_prefix_and_copies_come_from_the_url() -> None:
    cluster = cluster_of("kafka://a:9092,b.example:9093?prefix=test.&replication=2&session_timeout_s=6", PLAIN)
    assert cluster.servers == ("a:9092", "b.example:9093")
    assert (cluster.theirs("shenbao.upload"), cluster.replication) == ("test.shenbao.upload", 2)
    assert (cluster.session_timeout_s, cluster.heartbeat_ms) == (6, 2000)


def test_what_is_not_said_has_a_default() -> None:
    cluster = cluster_of("kafka://a:9092", PLAIN)
    assert (cluster.prefix, cluster.replication, cluster.heartbeat_ms) == ("", 0, 3000)


def test_only_names_with_the_prefix_are_ours() -> None:
    cluster = Cluster(servers=("a:1",), prefix="test.")
    assert cluster.ours("test.review") == "review"
    assert cluster.ours("review") is None


@pytest.mark.parametrize(
    "url",
    [
        "kafka://",
        "kafka://a",
        "kafka://a:",
        "kafka://a:0",
        "kafka://a:65536",
        "kafka://a:9092,b",
        "kafka://a:9092/topic",
        "kafka://a:9092?compression=gzip",
        "kafka://a:9092?replication=many",
        "kafka://a:9092?session_timeout_s=",
        "kafka://user:secret@a:9092",
        "kafka://user:secret@a:9092,b:9092",
    ],
)
def test_an_url_that_says_something_else_is_refused(url: str) -> None:
    with pytest.raises(AppError) as caught:
        cluster_of(url, PLAIN)
    assert caught.value.code == "settings.kafka-url"
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("security", "setting"),
    [
        (Security(protocol="TLS"), "SHENBAO_KAFKA_SECURITY"),
        (Security(protocol="SASL_SSL", mechanism="GSSAPI", user="u", password="p"), "SHENBAO_KAFKA_MECHANISM"),
        (Security(protocol="SASL_SSL"), "SHENBAO_KAFKA_USER, SHENBAO_KAFKA_PASSWORD"),
        (Security(protocol="SASL_PLAINTEXT", user="u"), "SHENBAO_KAFKA_USER, SHENBAO_KAFKA_PASSWORD"),
        (Security(protocol="SSL", ca_file="/nowhere.pem"), "SHENBAO_KAFKA_CA_FILE"),
    ],
)
def test_security_that_cannot_work_is_refused_by_name(security: Security, setting: str) -> None:
    with pytest.raises(AppError) as caught:
        cluster_of("kafka://a:9092", security)
    assert caught.value.code == "settings.kafka-security"
    assert setting in str(caught.value.params["setting"])


def test_a_file_that_is_no_certificate_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "ca.pem"
    wrong.write_text("not a certificate")
    with pytest.raises(AppError, match=r"settings\.kafka-security"):
        Security(protocol="SSL", ca_file=str(wrong)).arguments()


def test_sasl_over_tls_tells_the_client_both() -> None:
    told = Security(protocol="SASL_SSL", user="u", password="p").arguments()
    assert (told["security_protocol"], told["sasl_mechanism"]) == ("SASL_SSL", "SCRAM-SHA-512")
    assert isinstance(told["ssl_context"], ssl.SSLContext)
    assert told["ssl_context"].verify_mode is ssl.CERT_REQUIRED


def test_no_password_is_shown() -> None:
    security = Security(protocol="SASL_SSL", user="u", password="hunter2")
    cluster = Cluster(servers=("a:1",), security=security.arguments())
    assert "hunter2" not in f"{security!r} {cluster!r}"
