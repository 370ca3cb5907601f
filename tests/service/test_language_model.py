"""A real language model in this process: it says what it says, stops when nobody listens, and fails in plain words."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.errors import ModelError
from service.language_model import Message, TransformersModel

Parrot = Callable[..., Path]
ASKED = [Message("user", "月租金是多少？")]
PIECES = ("每套公寓的", "月租金是", "三百二十元", "[1]", "。", "\n", "水费另收", "[2]。")


def test_reply_is_another_or_changes_from_time_to_time(parrot: Parrot) -> None:
    model = TransformersModel(str(parrot(*PIECES)))
    assert ["".join(model.generate(ASKED)) for _ in range(2)] == ["".join(PIECES)] * 2


def test_reply_comes_in_one_piece_at_its_end(parrot: Parrot) -> None:
    assert len([piece for piece in TransformersModel(str(parrot(*PIECES))).generate(ASKED) if piece]) > 3


def test_reply_runs_over_its_limit_or_its_stop(parrot: Parrot) -> None:
    folder = str(parrot(*PIECES, loops=True))
    assert "".join(TransformersModel(folder, max_tokens=3).generate(ASKED)) == "".join(PIECES[:3])
    stopped = "".join(TransformersModel(folder, max_tokens=50).generate(ASKED, stop=["三百二十元"]))
    assert stopped.startswith("".join(PIECES[:3]))
    assert len(stopped) < len("".join(PIECES))


def test_writing_goes_on_when_nobody_listens(parrot: Parrot) -> None:
    model = TransformersModel(str(parrot(*PIECES, loops=True)), max_tokens=6000)
    pieces = model.generate(ASKED)
    assert next(piece for piece in pieces if piece)
    pieces.close()  # returns when the writer has ended
    assert not [thread for thread in threading.enumerate() if thread.name == "language-model"]
    assert next(piece for piece in model.generate(ASKED) if piece), "the model is free again"


def test_many_callers_get_each_others_words(parrot: Parrot) -> None:
    model = TransformersModel(str(parrot(*PIECES)))
    replies: list[str] = []
    threads = [threading.Thread(target=lambda: replies.append("".join(model.generate(ASKED)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert replies == ["".join(PIECES)] * 4


def test_thinking_that_the_template_begins_is_told_as_speech(parrot: Parrot) -> None:
    template = "{% for m in messages %}{{ m.content }}{% endfor %}<think>\n<|parrot|>"
    model = TransformersModel(
        str(parrot("想一想", "</think>", "答案", template=template.replace("\n<|parrot|>", "\n")))
    )
    assert next(model.generate(ASKED)) == "<think>"


def test_fingerprint_is_shared_by_two_models(parrot: Parrot) -> None:
    one, other = (TransformersModel(str(parrot(text))) for text in ("甲", "乙"))
    assert one.fingerprint.startswith("sha256:")
    assert one.fingerprint != other.fingerprint


def test_missing_or_unfit_model_fails_without_a_remedy(parrot: Parrot, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot be loaded: .*folder of a causal language model"):
        TransformersModel(str(tmp_path))
    with pytest.raises(ModelError, match="cannot be loaded"):
        TransformersModel("nobody/no-such-model")
    with pytest.raises(ModelError, match="no chat template"):
        TransformersModel(str(parrot("甲", template=None)))


def test_prompt_that_does_not_fit_is_cut_or_a_traceback(parrot: Parrot) -> None:
    model = TransformersModel(str(parrot(*PIECES, context=64)), max_tokens=32)
    with pytest.raises(ModelError, match=r"prompt of \d+ tokens and a reply of 32 do not fit the model's 64"):
        next(model.generate([Message("user", "元" * 100)]))


def test_failure_while_writing_hangs_or_passes_for_an_end(parrot: Parrot, monkeypatch: pytest.MonkeyPatch) -> None:
    model = TransformersModel(str(parrot(*PIECES)))

    def fail(*_: object, **__: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(model._model.model, "forward", fail)
    with pytest.raises(ModelError, match="broke off: MemoryError: no room"):
        "".join(model.generate(ASKED))
