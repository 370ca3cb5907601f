"""The settings, read once from the environment (`ZHENGWEN_…`) and passed in."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every setting, its default and what it does; a command-line option beats the environment."""

    model_config = SettingsConfigDict(env_prefix="ZHENGWEN_", frozen=True, extra="ignore")

    corpus: Path = Field(Path("corpus"), description="folder of documents to index")
    index: Path = Field(Path("build/index"), description="folder of the index")
    embedder: str = Field(
        "", description="SentenceTransformer folder or hub name; empty: the small one fitted on the corpus"
    )
    host: str = Field("127.0.0.1", description="address to serve on")
    port: int = Field(8000, ge=1, le=65535, description="port to serve on")
