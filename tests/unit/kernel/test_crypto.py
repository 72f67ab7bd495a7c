"""A sealed value opens in its own place, with a known key, unaltered, and nowhere else."""

import base64

import pytest

from services.kernel.crypto import Algorithm, KeyRing, SealBroken, SealKey, keys_from_text

CONTEXT = "review.persons.id_number"
NUMBER = "11010519491231002X"
OLD = SealKey(key_id="2022", secret=b"o" * 32)
NEW = SealKey(key_id="2023", secret=b"n" * 32)
LOOKUP = b"l" * 32


def ring(*keys: SealKey, algorithm: Algorithm = Algorithm.AES_256_GCM) -> KeyRing:
    return KeyRing(keys or [NEW], LOOKUP, algorithm)


@pytest.fixture(params=list(Algorithm))
def sealing(request: pytest.FixtureRequest) -> KeyRing:
    return ring(algorithm=request.param)


@pytest.mark.parametrize("text", ["", NUMBER, "张三510105199001011234.mp4", "页" * 10_000])
def test_what_was_sealed_opens(sealing: KeyRing, text: str) -> None:
    sealed = sealing.seal(text, CONTEXT)
    assert sealing.open(sealed, CONTEXT) == text
    assert not text or text.encode() not in sealed


def test_equal_texts_do_not_look_equal(sealing: KeyRing) -> None:
    assert sealing.seal(NUMBER, CONTEXT) != sealing.seal(NUMBER, CONTEXT)


def test_every_altered_byte_is_found(sealing: KeyRing) -> None:
    sealed = sealing.seal("张", CONTEXT)
    for place in range(len(sealed)):
        altered = bytearray(sealed)
        altered[place] ^= 1
        with pytest.raises(SealBroken):
            sealing.open(bytes(altered), CONTEXT)


def test_every_cut_and_every_addition_is_found(sealing: KeyRing) -> None:
    sealed = sealing.seal("张", CONTEXT)
    for wrong in (*(sealed[:end] for end in range(len(sealed))), sealed + b"\x00"):
        with pytest.raises(SealBroken):
            sealing.open(wrong, CONTEXT)


def test_a_value_cannot_move_to_another_column(sealing: KeyRing) -> None:
    with pytest.raises(SealBroken, match=r"upload\.files\.file_name"):
        sealing.open(sealing.seal(NUMBER, CONTEXT), "upload.files.file_name")


def test_an_error_tells_the_place_and_no_text() -> None:
    with pytest.raises(SealBroken) as raised:
        ring(OLD).open(ring(NEW).seal(NUMBER, CONTEXT), CONTEXT)
    assert str(raised.value) == CONTEXT


def test_after_a_rotation_old_values_open_and_new_ones_need_the_new_key() -> None:
    rotated = ring(NEW, OLD)
    assert rotated.open(ring(OLD).seal(NUMBER, CONTEXT), CONTEXT) == NUMBER
    sealed = rotated.seal(NUMBER, CONTEXT)
    assert ring(NEW).open(sealed, CONTEXT) == NUMBER
    with pytest.raises(SealBroken):
        ring(OLD).open(sealed, CONTEXT)


def test_another_key_under_the_same_id_does_not_open() -> None:
    impostor = SealKey(key_id=NEW.key_id, secret=b"x" * 32)
    with pytest.raises(SealBroken):
        ring(impostor).open(ring(NEW).seal(NUMBER, CONTEXT), CONTEXT)


def test_a_change_of_algorithm_needs_no_new_sealing() -> None:
    sealed = ring(algorithm=Algorithm.SM4_GCM).seal(NUMBER, CONTEXT)
    assert ring(algorithm=Algorithm.AES_256_GCM).open(sealed, CONTEXT) == NUMBER
    assert sealed[0] == Algorithm.SM4_GCM


def test_a_lookup_is_equal_for_equal_text_in_one_column_under_one_key() -> None:
    here = ring().lookup(NUMBER, CONTEXT)
    assert len(here) == 32
    assert ring(OLD).lookup(NUMBER, CONTEXT) == here, "sealing keys are rotated without touching lookups"
    assert ring().lookup(NUMBER, "review.persons.other") != here
    assert KeyRing([NEW], b"m" * 32).lookup(NUMBER, CONTEXT) != here
    assert ring().lookup(NUMBER.lower(), CONTEXT) != here


def test_a_lookup_does_not_depend_on_how_a_system_composes_letters() -> None:
    assert ring().lookup("e\u0301.mp4", CONTEXT) == ring().lookup("\u00e9.mp4", CONTEXT)


def test_context_and_text_do_not_run_into_each_other() -> None:
    assert ring().lookup("c", "a.b") != ring().lookup("bc", "a.")


@pytest.mark.parametrize(
    ("key_id", "length"), [("", 32), ("k" * 33, 32), ("钥" * 11, 32), ("k", 31), ("k", 33), ("k", 0)]
)
def test_a_key_of_a_wrong_size_is_refused(key_id: str, length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        SealKey(key_id=key_id, secret=b"s" * length)


def test_the_longest_id_of_a_key() -> None:
    longest = ring(SealKey(key_id="k" * 32, secret=b"s" * 32))
    assert longest.open(longest.seal(NUMBER, CONTEXT), CONTEXT) == NUMBER


def test_a_ring_needs_keys_of_different_ids_and_a_long_lookup_key() -> None:
    with pytest.raises(ValueError, match="needs a key"):
        KeyRing([], LOOKUP)
    with pytest.raises(ValueError, match="32 bytes"):
        KeyRing([NEW], b"l" * 31)
    with pytest.raises(ValueError, match="twice"):
        KeyRing([NEW, SealKey(key_id=NEW.key_id, secret=b"x" * 32)], LOOKUP)


def test_keys_are_read_from_base64() -> None:
    [key] = keys_from_text([("2023", base64.b64encode(NEW.secret).decode())])
    assert key == NEW


@pytest.mark.parametrize("secret", ["not base64!", base64.b64encode(b"short").decode()])
def test_what_is_no_key_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match=r"base64|32 bytes"):
        keys_from_text([("2023", secret)])
