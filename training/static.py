"""A static embedding from co-occurrence: what the embedder's training starts from, and small models for tests.

The words and characters of a corpus, one vector each from a factorised co-occurrence matrix (positive pointwise mutual
information and truncated SVD: Levy and Goldberg 2014), averaged with the smooth inverse frequency weights of Arora et al.
2017, saved as a SentenceTransformer.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rjieba
import scipy.sparse as sp
from scipy.sparse.linalg import svds

from indexer.errors import ModelError
from indexer.text import fold

_UNKNOWN = "[UNK]"
_MIN_PIECES = 16


def fit_static_embedder(texts: Iterable[str], folder: Path, *, dimensions: int = 256, vocabulary: int = 12000) -> None:
    """Fits the static model on `texts` and saves it at `folder` as a SentenceTransformer.

    The same texts give the same bytes on the same libraries. Few texts give fewer than `dimensions`: half as many as they
    have pieces.

    Raises:
        ModelError: the texts are too few to learn from.
    """
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    corpus = [fold(text) for text in texts]
    # Longest match over a counted vocabulary: a trained sub-word model would differ from run to run in its last digits.
    pieces = _pieces(corpus, vocabulary)
    tokenizer = Tokenizer(
        models.WordPiece(
            {piece: i for i, piece in enumerate(pieces)},
            unk_token=_UNKNOWN,
            continuing_subword_prefix="",
            max_input_chars_per_word=1000,
        )
    )
    # A character that the corpus lacks must not make the whole clause around it unknown, as it does in a word piece model.
    known = "".join(re.escape(piece) for piece in pieces if len(piece) == 1)
    tokenizer.normalizer = normalizers.Replace(Regex(rf"[^\s{known}]"), " ")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Whitespace(), pre_tokenizers.Punctuation("removed")]
    )
    ids = [encoding.ids for encoding in tokenizer.encode_batch(corpus)]
    size = tokenizer.get_vocab_size()
    counted = _cooccurrence(ids, size)
    if size < _MIN_PIECES or not counted.nnz:
        raise ModelError(f"the corpus gives only {size} word pieces to learn from: add documents or name an --embedder")
    weights = _factorise(counted, min(dimensions, size // 2))
    counts = np.bincount(np.concatenate([np.asarray(row, dtype=np.int64) for row in ids]), minlength=size).astype(
        np.float64
    )
    weights *= (1e-3 / (1e-3 + counts / counts.sum()))[:, None]
    weights[tokenizer.token_to_id(_UNKNOWN)] = 0
    static = StaticEmbedding(tokenizer, embedding_weights=np.ascontiguousarray(weights, dtype=np.float32))
    SentenceTransformer(modules=[static, Normalize()], device="cpu").save(str(folder), create_model_card=False)
    _drop_versions(folder)
    for path in folder.rglob("*"):
        path.chmod(path.stat().st_mode | 0o444)  # safetensors lets only the owner read what it writes


def _pieces(corpus: Sequence[str], size: int) -> list[str]:
    """The unknown piece, every character of the corpus, then its most frequent words of at least two occurrences."""
    words: Counter[str] = Counter()
    characters: set[str] = set()
    for text in corpus:
        characters.update(text)
        words.update(word for word in rjieba.cut(text) if len(word) > 1 and not word.isspace())
    frequent = sorted((word for word, count in words.items() if count > 1), key=lambda word: (-words[word], word))
    singles = sorted(char for char in characters if not char.isspace())
    return [_UNKNOWN, *singles, *frequent[: max(0, size - len(singles) - 1)]]


def _cooccurrence(rows: Sequence[Sequence[int]], size: int, window: int = 8) -> sp.csr_matrix:
    """Symmetric counts of pieces within `window` of each other, nearer ones counted more, `(size, size)`."""
    left: list[npt.NDArray[np.int64]] = []
    right: list[npt.NDArray[np.int64]] = []
    values: list[npt.NDArray[np.float64]] = []
    for row in rows:
        pieces = np.asarray(row, dtype=np.int64)
        for distance in range(1, min(window, len(pieces) - 1) + 1):
            left.append(pieces[:-distance])
            right.append(pieces[distance:])
            values.append(np.full(len(pieces) - distance, 1 / distance))
    if not left:
        return sp.csr_matrix((size, size))
    a, b, v = np.concatenate(left), np.concatenate(right), np.concatenate(values)
    half = sp.coo_matrix((v, (a, b)), shape=(size, size)).tocsr()
    return sp.csr_matrix(half + half.T)


def _factorise(counts: sp.csr_matrix, dimensions: int) -> npt.NDArray[np.float64]:
    """Rows of U·sqrt(S) of the positive pointwise mutual information, context distribution smoothed by 0.75."""
    coo = counts.tocoo()
    total = coo.data.sum()
    row_sums = np.asarray(counts.sum(axis=1)).ravel()
    smoothed = row_sums**0.75
    information = np.log(coo.data * smoothed.sum() / (row_sums[coo.row] * smoothed[coo.col])) if total else coo.data
    positive = sp.csr_matrix((np.maximum(information, 0), (coo.row, coo.col)), shape=counts.shape)
    start = np.ones(counts.shape[0]) / np.sqrt(counts.shape[0])
    u, s, _ = svds(positive, k=dimensions, v0=start)
    order = np.argsort(-s)
    u, s = u[:, order], s[order]
    # The sign of a singular vector is arbitrary; fix it so that the same corpus gives the same bytes.
    signs = np.sign(u[np.abs(u).argmax(axis=0), np.arange(dimensions)])
    return np.asarray(u * signs * np.sqrt(s))


def _drop_versions(folder: Path) -> None:
    """Library versions out of the saved configuration: they are no part of the model and would change its fingerprint."""
    path = folder / "config_sentence_transformers.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config.pop("__version__", None)
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
