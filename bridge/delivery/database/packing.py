"""Compression of bytes in a column."""

import zlib

# A higher level saves little space, and costs much time.
_LEVEL = 1


def pack(content: bytes) -> bytes:
    """Compress ``content`` in zlib's format."""
    return zlib.compress(content, _LEVEL)


def unpack(column: bytes) -> bytes:
    """Decompress what ``pack`` returned."""
    return zlib.decompress(column)
