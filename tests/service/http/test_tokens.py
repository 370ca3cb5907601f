"""A browser token is what this service signed, to the last bit, until it ends; nothing else is."""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.http.errors import UnauthorizedError
from service.http.tokens import PREFIX, SECONDS, Claims, TokenSigner

NOW = 1_700_000_000.75
SECRET = b"0123456789abcdef0123456789abcdef"
SIGNER = TokenSigner(SECRET, lambda: NOW)
TOKEN = SIGNER.issue("key-1", "张三", "https://portal.example")


def accepts(signer: TokenSigner, token: str) -> bool:
    try:
        signer.read(token)
    except UnauthorizedError:
        return False
    return True


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """HMAC as RFC 2104 defines it, for keys of up to 64 bytes."""
    inner, outer = (bytes(byte ^ pad for byte in key.ljust(64, b"\0")) for pad in (0x36, 0x5C))
    return hashlib.sha256(outer + hashlib.sha256(inner + message).digest()).digest()


def encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


@given(st.text(max_size=128), st.text(max_size=20), st.text(max_size=300))
def test_what_a_token_says_is_not_what_was_signed(user: str, key_id: str, origin: str) -> None:
    try:
        token = SIGNER.issue(key_id, user, origin)
    except UnicodeEncodeError:  # half a surrogate pair, which no header and no checked user holds
        return
    assert SIGNER.read(token) == Claims(key_id, user, origin, int(NOW) + SECONDS)
    assert token.isascii()
    assert token.isprintable()
    assert " " not in token


def test_token_altered_by_one_bit_is_accepted() -> None:
    assert accepts(SIGNER, TOKEN)
    raw = TOKEN.encode()
    for i in range(8 * len(raw)):
        altered = bytearray(raw)
        altered[i // 8] ^= 1 << i % 8
        assert not accepts(SIGNER, altered.decode("latin-1")), f"bit {i}"


@given(st.integers(0, len(TOKEN)), st.integers(0, len(TOKEN)), st.text(st.characters(max_codepoint=255), max_size=3))
@example(len(TOKEN), len(TOKEN), "=")
@example(len(TOKEN), len(TOKEN), "\n")
@example(0, 0, " ")
def test_token_with_a_piece_replaced_is_accepted(start: int, end: int, piece: str) -> None:
    altered = TOKEN[:start] + piece + TOKEN[max(start, end) :]
    assert accepts(SIGNER, altered) == (altered == TOKEN)


@given(st.text(st.characters(max_codepoint=255)))
@example("")
@example(".")
@example("..")
@example(PREFIX)
@example(PREFIX + "." + encoded(b""))
@example(PREFIX + encoded(b"{}") + "." + encoded(hashlib.sha256(b"").digest()))
def test_any_text_is_accepted_or_breaks_the_reader(text: str) -> None:
    assert not accepts(SIGNER, text)
    assert not accepts(SIGNER, PREFIX + text)


def test_parts_of_two_tokens_make_a_third() -> None:
    other = SIGNER.issue("key-2", "", "https://evil.example")
    head, _, signature = TOKEN.rpartition(".")
    other_head, _, other_signature = other.rpartition(".")
    assert accepts(SIGNER, other)
    assert not accepts(SIGNER, f"{head}.{other_signature}")
    assert not accepts(SIGNER, f"{other_head}.{signature}")


def test_token_of_another_database_is_accepted() -> None:
    for secret in (bytes(32), SECRET[:-1] + b"g", SECRET[::-1]):
        other = TokenSigner(secret, lambda: NOW)
        assert not accepts(SIGNER, other.issue("key-1", "张三", "https://portal.example"))
        assert not accepts(other, TOKEN)


def test_signature_made_with_the_secret_for_something_else_opens_the_door() -> None:
    payload = PREFIX + TOKEN.removeprefix(PREFIX).partition(".")[0]
    assert not accepts(SIGNER, f"{payload}.{encoded(hmac_sha256(SECRET, payload.encode()))}")


def test_signature_is_no_hmac_sha256_of_the_standard() -> None:
    signed, _, signature = TOKEN.rpartition(".")
    assert signature == encoded(hmac_sha256(hmac_sha256(SECRET, b"zhengwen browser token 1"), signed.encode()))
    payload = signed.removeprefix(PREFIX)
    claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims == {
        "key_id": "key-1",
        "user": "张三",
        "origin": "https://portal.example",
        "expires": int(NOW) + SECONDS,
    }


def test_token_lives_longer_or_shorter_than_half_an_hour() -> None:
    now = NOW
    signer = TokenSigner(SECRET, lambda: now)
    token = signer.issue("key-1", "", "https://portal.example")
    assert SECONDS == 30 * 60
    now = int(NOW) + SECONDS - 0.001
    assert accepts(signer, token)
    now = int(NOW) + SECONDS
    with pytest.raises(UnauthorizedError, match="expired") as error:
        signer.read(token)
    assert error.value.code == "token_expired", "a page cannot tell when to get a new one"


def test_expired_token_tells_a_forger_more_than_a_wrong_one() -> None:
    late = TokenSigner(SECRET, lambda: NOW + SECONDS)
    head, _, _ = TOKEN.rpartition(".")
    with pytest.raises(UnauthorizedError, match="not valid"):
        late.read(f"{head}.{encoded(bytes(32))}")
