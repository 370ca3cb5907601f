"""What is held back for measuring: a tenth of every reading set, chosen by context, so that no passage is on both sides."""

import hashlib

_TENTH = 10


def is_held_back(context: str) -> bool:
    """Whether questions on this context are for measuring only; the same on every machine."""
    digest = hashlib.blake2b("".join(context.split()).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % _TENTH == 0
