"""Frames between parent and child: four bytes of length, then JSON or bytes. No pickle anywhere."""

import json
import socket
import struct
from collections.abc import Sequence

MAX_FRAME_BYTES = 8 * 2**20
#: A child asks for at most this much at once.
MAX_READ_BYTES = 4 * 2**20
#: As many open files go along with a task; the system takes 253.
MAX_HANDLES = 200
_LENGTH = struct.Struct("!I")
_JSON = json.JSONEncoder(allow_nan=False)


class WireClosed(Exception):
    """The other side is gone."""


class FrameTooLarge(ValueError):
    """More than one frame may hold."""


def pack(body: bytes) -> bytes:
    """The frame of `body`. Raises `FrameTooLarge`."""
    if len(body) > MAX_FRAME_BYTES:
        raise FrameTooLarge(f"a frame of {len(body)} bytes, at most {MAX_FRAME_BYTES}")
    return _LENGTH.pack(len(body)) + body


def length_of(header: bytes) -> int:
    """The length that a header announces."""
    return int(_LENGTH.unpack(header)[0])


HEADER_BYTES = _LENGTH.size


def send(connection: socket.socket, message: object) -> None:
    """Send JSON, blocking. Raises `TypeError` or `ValueError` for what is not JSON, NaN and infinity among it."""
    connection.sendall(pack(_JSON.encode(message).encode()))


def send_header(connection: socket.socket, length: int, handles: Sequence[int]) -> None:
    """Announce a frame of `length` bytes, with open files; never waits. Raises `WireClosed`, `FrameTooLarge`."""
    if length > MAX_FRAME_BYTES:
        raise FrameTooLarge(f"a frame of {length} bytes, at most {MAX_FRAME_BYTES}")
    try:
        socket.send_fds(connection, [_LENGTH.pack(length)], handles)
    except ConnectionError as error:
        raise WireClosed from error


def receive_with_handles(connection: socket.socket) -> tuple[bytes, list[int]]:
    """The next frame's body and the open files that came along, blocking. Raises `WireClosed`."""
    header, handles, _, _ = socket.recv_fds(connection, HEADER_BYTES, MAX_HANDLES)
    header += receive_exactly(connection, HEADER_BYTES - len(header)) if header else b""
    if not header:
        raise WireClosed
    return receive_exactly(connection, length_of(header)), handles


def receive(connection: socket.socket) -> bytes:
    """The next frame's body, blocking. Raises `WireClosed`."""
    return receive_exactly(connection, length_of(receive_exactly(connection, HEADER_BYTES)))


def receive_exactly(connection: socket.socket, length: int) -> bytes:
    """Exactly `length` bytes, blocking. Raises `WireClosed`."""
    buffer = bytearray(length)
    view = memoryview(buffer)
    filled = 0
    while filled < length:
        count = connection.recv_into(view[filled:])
        if count == 0:
            raise WireClosed
        filled += count
    return bytes(buffer)
