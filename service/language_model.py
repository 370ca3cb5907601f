"""Messages → text: a language model in this process, and the protocol that it shares with a model server."""

import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from indexer.embedder import model_fingerprint
from indexer.errors import ModelError

# A template that ends like this has opened the model's thinking already: only its end will be written.
THINKING = "<think>"


@dataclass(frozen=True)
class Message:
    """One message of a prompt; `role` is `system`, `user` or `assistant`."""

    role: str
    content: str


class LanguageModel(Protocol):
    """Writes one reply at a time; `fingerprint` tells which model, for the receipt."""

    @property
    def fingerprint(self) -> str: ...

    def generate(self, messages: Sequence[Message], stop: Sequence[str] = ()) -> Generator[str, None, None]:
        """Pieces of the reply in order, up to a string of `stop` or to its end; closing the generator ends the writing.

        Raises:
            ModelError: the model cannot write, or broke off.
        """
        ...


class TransformersModel:
    """Any causal language model with a chat template, on the processor; the most probable word each time.

    One reply is written at a time: further callers wait.
    """

    def __init__(self, path_or_name: str, *, max_tokens: int = 512) -> None:
        """Loads a folder or a model of the hub; a reply ends after `max_tokens`.

        Raises:
            ModelError: it cannot be loaded or has no chat template.
        """
        # Slow imports, only where a model is needed.
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # it would draw into logs and pipes too
        is_local = Path(path_or_name).is_dir()
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(path_or_name, local_files_only=is_local)
            self._model: Any = AutoModelForCausalLM.from_pretrained(path_or_name, local_files_only=is_local)
        except Exception as error:  # the hub, torch and the tokenizer each raise their own kinds
            reason = str(error).strip().split("\n")[0]
            raise ModelError(
                f"the language model {path_or_name!r} cannot be loaded: {reason}; "
                "give the folder of a causal language model or its name on the hub"
            ) from error
        if not self._tokenizer.chat_template:
            raise ModelError(
                f"the language model {path_or_name!r} has no chat template: choose one that was tuned to follow "
                "instructions"
            )
        self._max_tokens = max_tokens
        self._in_use = threading.Lock()
        self.fingerprint = model_fingerprint(path_or_name)

    def generate(self, messages: Sequence[Message], stop: Sequence[str] = ()) -> Generator[str, None, None]:
        prompt: str = self._tokenizer.apply_chat_template(
            [{"role": message.role, "content": message.content} for message in messages],
            add_generation_prompt=True,
            tokenize=False,
            enable_thinking=False,  # templates that do not know it pass over it
        )
        # The template has put the special tokens in already.
        inputs = self._tokenizer(prompt, add_special_tokens=False, return_tensors="pt")
        length, room = inputs["input_ids"].shape[1], getattr(self._model.config, "max_position_embeddings", None)
        if room is not None and length + self._max_tokens > room:
            raise ModelError(
                f"the prompt of {length} tokens and a reply of {self._max_tokens} do not fit the model's {room}: "
                "lower ZHENGWEN_COMPOSER_MAX_TOKENS or choose a model with a longer context"
            )
        if prompt.rstrip().endswith(THINKING):
            yield THINKING
        with self._in_use:
            yield from self._written(inputs, stop)

    def _written(self, inputs: Any, stop: Sequence[str]) -> Generator[str, None, None]:  # noqa: ANN401 - no types there
        from transformers import StoppingCriteriaList, TextIteratorStreamer

        streamer = TextIteratorStreamer(self._tokenizer, skip_prompt=True, skip_special_tokens=True)
        enough = threading.Event()
        errors: list[Exception] = []

        def write() -> None:
            try:
                self._model.generate(
                    **inputs,
                    **({"stop_strings": list(stop), "tokenizer": self._tokenizer} if stop else {}),
                    streamer=streamer,
                    stopping_criteria=StoppingCriteriaList([_Stopped(enough.is_set)]),
                    max_new_tokens=self._max_tokens,
                    do_sample=False,
                    temperature=None,
                    top_p=None,
                    top_k=None,
                )
            except Exception as error:  # whatever it is, whoever reads has to learn of it
                errors.append(error)
            finally:
                streamer.text_queue.put(streamer.stop_signal)

        writer = threading.Thread(target=write, name="language-model", daemon=True)
        writer.start()
        try:
            yield from streamer
        finally:
            enough.set()
            writer.join()
        if errors:
            raise ModelError(
                f"the language model broke off: {type(errors[0]).__name__}: {errors[0]}; if it ran out of memory, "
                "choose a smaller one"
            ) from errors[0]


@dataclass(frozen=True)
class _Stopped:
    """A stopping criterion of transformers: ends every sequence of the batch as soon as `is_stopped` says so."""

    is_stopped: Callable[[], bool]

    def __call__(self, input_ids: Any, scores: Any, **_: object) -> Any:  # noqa: ANN401 - tensors
        import torch

        return torch.full((input_ids.shape[0],), self.is_stopped(), dtype=torch.bool, device=input_ids.device)


class ScriptedModel:
    """The fake: writes the pieces it was given, then raises `error` if there is one; remembers what it was asked."""

    fingerprint = "scripted-1"

    def __init__(self, *pieces: str, error: ModelError | None = None) -> None:
        self._pieces = pieces
        self._error = error
        self.prompts: list[tuple[Message, ...]] = []
        self.closed = threading.Event()
        """Set when a reader hung up before the end."""

    def generate(self, messages: Sequence[Message], stop: Sequence[str] = ()) -> Generator[str, None, None]:
        self.prompts.append(tuple(messages))
        try:
            yield from self._pieces
        except GeneratorExit:
            self.closed.set()
            raise
        if self._error is not None:
            raise self._error
