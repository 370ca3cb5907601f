"""The weights that ship with 政问, trained by `training/`; each folder has a model card."""

from pathlib import Path

EMBEDDER = Path(__file__).parent / "embedder"
"""A SentenceTransformer: questions, passages and words into one space."""
EVIDENCE = Path(__file__).parent / "evidence"
"""Which candidate answers a question, and whether any does."""
