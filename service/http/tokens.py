"""Browser tokens: what a server gets for its key, to hand to the page of one of its users; and tickets for single addresses.

A token is `zwt-1.PAYLOAD.SIGNATURE`: the claims as JSON, and an HMAC-SHA256 over all that stands before it, both in url-safe
base64 without padding. The signature is compared as text, so that one token has one spelling.
"""

import hmac
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import asdict, dataclass

from service.http.errors import UnauthorizedError

SECONDS = 1800
TICKET_SECONDS = 60
PREFIX = "zwt-1."


@dataclass(frozen=True)
class Claims:
    """What a token says: the key it was got with, the end user, the web origin it is for, and when it ends (Unix seconds)."""

    key_id: str
    user: str
    origin: str
    expires: int


class TokenSigner:
    """Makes and reads tokens; every process with the same secret reads what the others made."""

    def __init__(self, secret: bytes, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives Unix seconds."""
        # A key of its own, since the secret signs other things too: none of them is ever a token's signature.
        self._key = hmac.digest(secret, b"zhengwen browser token 1", "sha256")
        self._clock = clock

    def issue(self, key_id: str, user: str, origin: str) -> str:
        """A token that is valid for `SECONDS` from now."""
        claims = Claims(key_id, user, origin, int(self._clock()) + SECONDS)
        payload = json.dumps(asdict(claims), ensure_ascii=False, separators=(",", ":"))
        signed = PREFIX + _encoded(payload.encode())
        return f"{signed}.{self._signature(signed)}"

    def read(self, token: str) -> Claims:
        """What a token says.

        Raises:
            UnauthorizedError: this service did not sign it, or it has expired.
        """
        signed, _, signature = token.rpartition(".")
        genuine = hmac.compare_digest(signature.encode(), self._signature(signed).encode())
        if not genuine or not signed.startswith(PREFIX):
            raise UnauthorizedError("the browser token is not valid here: get a new one with POST /api/tokens")
        payload = signed.removeprefix(PREFIX)
        claims = Claims(**json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))
        if claims.expires <= self._clock():
            message = f"the browser token has expired, as it does after {SECONDS} seconds: get a new one with POST /api/tokens"
            raise UnauthorizedError(message, code="token_expired")
        return claims

    def _signature(self, signed: str) -> str:
        return _encoded(hmac.digest(self._key, signed.encode(), "sha256"))


class TicketSigner:
    """Makes and reads tickets: leave to read one path for `TICKET_SECONDS`, where a browser sends no header of ours.

    A ticket is `EXPIRES.SIGNATURE`; it stands in an address, which a log may keep, and so does not live long.
    """

    def __init__(self, secret: bytes, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives Unix seconds."""
        self._key = hmac.digest(secret, b"zhengwen ticket 1", "sha256")
        self._clock = clock

    def issue(self, path: str) -> str:
        """A ticket for that path."""
        expires = str(int(self._clock()) + TICKET_SECONDS)
        return f"{expires}.{self._signature(expires, path)}"

    def require(self, ticket: str, path: str) -> None:
        """Raises UnauthorizedError when it is not for that path, or has expired."""
        expires, _, signature = ticket.partition(".")
        genuine = hmac.compare_digest(signature.encode(), self._signature(expires, path).encode())
        if not genuine or int(expires) <= self._clock():
            raise UnauthorizedError("this address is no longer valid: open the report from the administration page")

    def _signature(self, expires: str, path: str) -> str:
        return _encoded(hmac.digest(self._key, f"{expires}\n{path}".encode(), "sha256"))


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
