"""A language model behind an OpenAI-compatible server (vLLM, llama.cpp, Ollama): time-outs, retries, a circuit breaker."""

import json
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from indexer.errors import InputError, ModelError
from service.language_model import Message

_ATTEMPTS = 3
_CONNECT_SECONDS = 5.0
_BACK_OFF_SECONDS = 0.5
# Nobody waits longer than this for a server that asks for patience.
_PATIENCE_SECONDS = 20.0
_SHOWN_CHARACTERS = 200


class CircuitBreaker:
    """Stops asking a server that fails: open for `seconds` after `failures` in a row, and again after each further one."""

    def __init__(self, clock: Callable[[], float], *, failures: int = 3, seconds: float = 30.0) -> None:
        """`clock` gives seconds that never run backwards."""
        self._clock = clock
        self._failures = failures
        self._seconds = seconds
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._opened = 0.0

    def check(self) -> None:
        """Raises ModelError while the breaker is open."""
        with self._lock:
            left = self._opened + self._seconds - self._clock()
            if self._in_a_row >= self._failures and left > 0:
                raise ModelError(
                    f"the language model failed {self._in_a_row} times in a row and is left alone for {left:.0f} more "
                    "seconds: see the log for the reason"
                )

    def succeeded(self) -> None:
        with self._lock:
            self._in_a_row = 0

    def failed(self) -> None:
        with self._lock:
            self._in_a_row += 1
            self._opened = self._clock()


class ServerModel:
    """The model `model` of the server at `base_url`, the address that `/chat/completions` comes after."""

    def __init__(
        self,
        base_url: str,
        model: str,
        key: str = "",
        *,
        timeout: float = 120.0,
        max_tokens: int = 512,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`timeout` is in seconds and for a whole reply; an empty `key` sends none.

        Raises:
            InputError: the address is no http address, or the key cannot be sent.
        """
        try:
            self._address = httpx.URL(base_url.rstrip("/") + "/chat/completions")
        except httpx.InvalidURL as error:
            raise InputError(f"the language model's address {base_url!r} is none: {error}") from error
        if self._address.scheme not in ("http", "https") or not self._address.host:
            raise InputError(
                f"the language model's address {base_url!r} must begin with http:// or https:// and a host"
            )
        if not (key.isascii() and key.isprintable()):
            raise InputError("the language model's key holds characters that no header may hold: set it again")
        self._model = model
        self._timeout = timeout
        self._max_tokens = max_tokens
        self._clock = clock
        self._sleep = sleep
        self._breaker = CircuitBreaker(clock)
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.fingerprint = f"server:{model}"

    def generate(self, messages: Sequence[Message], stop: Sequence[str] = ()) -> Generator[str, None, None]:
        self._breaker.check()
        body: dict[str, object] = {
            "model": self._model,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "max_tokens": self._max_tokens,
            "temperature": 0,
            "seed": 0,
            "stream": True,
        }
        if stop:
            body["stop"] = list(stop)
        try:
            limits = httpx.Timeout(self._timeout, connect=min(self._timeout, _CONNECT_SECONDS))
            verify = self._address.scheme == "https"  # reading the certificates takes longer than asking
            with (
                httpx.Client(headers=self._headers, timeout=limits, verify=verify) as client,
                self._reply(client, body) as response,
            ):
                yield from self._pieces(response)
        except httpx.HTTPError as error:
            self._breaker.failed()
            raise ModelError(
                f"the language model at {self._address} does not answer: {type(error).__name__}: {error}; see whether "
                "it runs, or raise ZHENGWEN_COMPOSER_TIMEOUT"
            ) from error
        except ModelError:
            self._breaker.failed()
            raise

    @contextmanager
    def _reply(self, client: httpx.Client, body: dict[str, object]) -> Iterator[httpx.Response]:
        """The response to `body`; asks again, after a pause, as long as nothing of a reply has come.

        Raises:
            ModelError: the server refused, or is still busy or broken at the last attempt.
            httpx.HTTPError: it cannot be reached, or is silent for too long.
        """
        for attempt in range(_ATTEMPTS):
            is_last = attempt == _ATTEMPTS - 1
            pause = _BACK_OFF_SECONDS * 2**attempt
            try:
                response = client.send(client.build_request("POST", self._address, json=body), stream=True)
            except httpx.TransportError as error:
                # A server that kept silent for the whole time-out will not do better a second time.
                if is_last or isinstance(error, httpx.ReadTimeout):
                    raise
            else:
                with closing(response):
                    if response.status_code == 200:
                        yield response
                        return
                    response.read()
                asked = _retry_after(response)
                pause = pause if asked is None else asked
                may_pass = response.status_code == 429 or response.status_code >= 500
                if is_last or not may_pass or pause > _PATIENCE_SECONDS:
                    raise ModelError(
                        f"the language model at {self._address} answered {response.status_code} "
                        f"{response.text[:_SHOWN_CHARACTERS]!r}: {_remedy(response.status_code)}"
                    )
            self._sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _pieces(self, response: httpx.Response) -> Iterator[str]:
        """The text of an event stream; raises ModelError when it is none, holds an error, takes too long or is cut off."""
        deadline = self._clock() + self._timeout
        is_finished = False
        for line in _lines(response):
            if self._clock() > deadline:
                raise ModelError(
                    f"the language model took longer than {self._timeout:g} seconds: raise ZHENGWEN_COMPOSER_TIMEOUT, "
                    "lower ZHENGWEN_COMPOSER_MAX_TOKENS or choose a smaller model"
                )
            field, _, value = line.partition(":")
            if field != "data":
                continue  # a comment, or what else the format allows
            if value.strip() == "[DONE]":
                is_finished = True
                break
            text, ends = _content(value)
            is_finished = is_finished or ends
            if text:
                self._breaker.succeeded()
                yield text
        if not is_finished:
            raise ModelError(
                f"the reply of the language model at {self._address} was cut off, or is no event stream: "
                "see the server's log"
            )


def _lines(response: httpx.Response) -> Iterator[str]:
    """Lines as the format of server-sent events has them: only line feeds end one, none of Unicode's other separators."""
    rest = b""
    for piece in response.iter_bytes():
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace").rstrip("\r")
    if rest:
        yield rest.decode("utf-8", "replace")


def _content(value: str) -> tuple[str, bool]:
    """Text of one chunk and whether it is the last one; reasoning, tool calls and usage have no text."""
    try:
        row: Any = json.loads(value)
        if row.get("error"):
            raise ModelError(f"the language model broke off: {str(row['error'])[:_SHOWN_CHARACTERS]}; see its log")
        if not row.get("choices"):
            return "", False
        choice = row["choices"][0]
        text = (choice.get("delta") or {}).get("content")
        return (text if isinstance(text, str) else "", choice.get("finish_reason") is not None)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ModelError(
            f"the language model sent {value[:_SHOWN_CHARACTERS]!r}, which is no chunk of a chat completion: "
            "see whether ZHENGWEN_COMPOSER_BASE_URL is the address of an OpenAI-compatible server"
        ) from error


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds that the server asks to wait; None when it does not say."""
    value = response.headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value)
    try:
        seconds = parsedate_to_datetime(value) - parsedate_to_datetime(response.headers.get("Date", ""))
    except (ValueError, TypeError):
        return None
    return max(0.0, seconds.total_seconds())


def _remedy(status: int) -> str:
    if status in (401, 403):
        return "set ZHENGWEN_COMPOSER_KEY to a key that it accepts"
    if status == 404:
        return "check ZHENGWEN_COMPOSER_BASE_URL (it mostly ends in /v1) and ZHENGWEN_COMPOSER_MODEL"
    if status == 429:
        return "it is busy, ask again later"
    return "see the server's log" if status >= 500 else "see what it says about the request"
