"""Pages that are images → characters where they stand, by RapidOCR (the extra `ocr`), whose models lie in its wheel.

It is told to run on one core, since files are read in several processes, and fetches nothing.
"""

from collections.abc import Callable, Sequence
from functools import cache
from statistics import median
from typing import Protocol

import numpy as np
import numpy.typing as npt

from indexer.errors import InputError
from indexer.formats.lines import Glyph, is_wide

Image = npt.NDArray[np.uint8]
Recognise = Callable[[Image], list[Glyph]]
"""An image, height × width × 3 in blue, green, red → its characters, in the order they were found; lengths in pixels."""

DOTS_PER_POINT = 200 / 72
MAX_SIDE = 3000  # pixels
_BASELINE = 0.38  # from the middle of a line, in sizes of type
_SAME_SIZE = 0.12


class _Found(Protocol):
    """The lines of an image: their corners (4 × 2) and texts."""

    boxes: Sequence[npt.NDArray[np.float32]] | None
    txts: Sequence[str] | None


def recogniser(beat: Callable[[], object]) -> Recognise:
    """Reads images; calls `beat` before each. It raises InputError when the extra is not installed."""

    def recognise(image: Image) -> list[Glyph]:
        beat()
        found = _engine()(image)
        if found.txts is None or found.boxes is None:
            return []
        boxes = [_box(points) for points in found.boxes]
        sizes = [(x1 - x0) / max(_width(text), 1.0) for (x0, _, x1, _), text in zip(boxes, found.txts, strict=True)]
        usual = median(sizes)
        # How wide a line is says within a few percent how large its type is: what is alike is made equal.
        sizes = [usual if abs(size - usual) <= _SAME_SIZE * usual else size for size in sizes]
        return [
            glyph
            for box, text, size in zip(boxes, found.txts, sizes, strict=True)
            for glyph in _glyphs(box, text.strip(), size)
        ]

    return recognise


@cache
def _engine() -> Callable[[Image], _Found]:
    try:
        from rapidocr import RapidOCR
    except ImportError as error:
        raise InputError("it needs OCR, which is not installed: pip install 'zhengwen[ocr]'") from error
    engine: Callable[[Image], _Found] = RapidOCR(
        params={"EngineConfig.onnxruntime.intra_op_num_threads": 1, "Global.log_level": "critical"}
    )
    return engine


def _box(points: npt.NDArray[np.float32]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a quadrangle."""
    return float(points[:, 0].min()), float(points[:, 1].min()), float(points[:, 0].max()), float(points[:, 1].max())


def _width(text: str) -> float:
    """In sizes of type."""
    return sum(1.0 if is_wide(char) else 0.5 for char in text)


def _glyphs(box: tuple[float, float, float, float], text: str, size: float) -> list[Glyph]:
    """The characters of a line, set along its box by their usual widths."""
    left, top, right, bottom = box
    y = (top + bottom) / 2 + _BASELINE * size
    step = (right - left) / max(_width(text), 1.0)
    glyphs: list[Glyph] = []
    x, spaced = left, True
    for char in text:
        advance = step * _width(char)
        if char.isspace():
            spaced = True
        else:
            glyphs.append(Glyph(char, x, x + advance, y, size, spaced=spaced))
            spaced = False
        x += advance
    return glyphs
