"""The reader's vocabulary: single Chinese characters and digits, word pieces of Latin words, counted on the prose."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from service.reader import PAD, RARITY_LEVELS, SPECIAL_TOKENS, UNK, Ids

# The end of a line parts headings from what follows; as a visible sign it survives the removal of white space.
LINE_END = "⏎"


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> Tokenizer:
    """A tokenizer with at most `vocabulary` entries; its offsets are code points of the text as given."""
    tokenizer = Tokenizer(models.WordPiece(unk_token=UNK, max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace("\n", LINE_END),
            normalizers.NFKC(),
            normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=True),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(LINE_END), "isolated"),
            pre_tokenizers.BertPreTokenizer(),
            pre_tokenizers.Digits(individual_digits=True),
        ]
    )
    tokenizer.decoder = decoders.WordPiece()
    # Most of the vocabulary goes to characters; what is left to pieces of Latin words.
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary,
        limit_alphabet=vocabulary * 3 // 4,
        special_tokens=list(SPECIAL_TOKENS),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    assert tokenizer.token_to_id(PAD) == 0
    return tokenizer


def rarity_levels(rows: Iterable[Sequence[int]], vocabulary: int) -> Ids:
    """int64 `(vocabulary,)`: each level but the rarest holds an equal share of running text, 0 the commonest tokens."""
    counts: Counter[int] = Counter()
    for row in rows:
        counts.update(row)
    frequency = np.array([counts[i] for i in range(vocabulary)], dtype=np.float64)
    order = np.argsort(-frequency, kind="stable")
    before = np.cumsum(frequency[order]) - frequency[order]
    levels = np.empty(vocabulary, dtype=np.int64)
    levels[order] = np.minimum(before / max(1.0, frequency.sum()) * RARITY_LEVELS, RARITY_LEVELS - 1)
    return levels
