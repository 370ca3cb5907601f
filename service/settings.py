"""The settings, read once from the environment (`ZHENGWEN_…`) and passed in."""

from enum import StrEnum
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ComposerKind(StrEnum):
    """Who words the answers: the documents themselves, a language model in this process, or one behind a server."""

    EXTRACTIVE = "extractive"
    TRANSFORMERS = "transformers"
    SERVER = "server"


class Settings(BaseSettings):
    """Every setting, its default and what it does; a command-line option beats the environment."""

    model_config = SettingsConfigDict(env_prefix="ZHENGWEN_", frozen=True, extra="ignore")

    corpus: Path = Field(Path("corpus"), description="folder of documents to index")
    index: Path = Field(Path("build/index"), description="folder of the index")
    embedder: str = Field("", description="SentenceTransformer folder or hub name; empty: the bundled one")
    composer: ComposerKind = Field(
        ComposerKind.EXTRACTIVE,
        description="who words the answers: extractive (quotes), transformers (a language model in process) or server",
    )
    composer_model: str = Field("", description="folder or hub name of the language model; for a server its name there")
    composer_base_url: str = Field("", description="address of an OpenAI-compatible server, mostly ending in /v1")
    composer_key: SecretStr = Field(SecretStr(""), description="key of that server; empty: none is sent")
    composer_timeout: float = Field(120.0, gt=0, description="seconds that server may take for a reply")
    composer_max_tokens: int = Field(512, ge=1, description="tokens after which a reply ends")
    host: str = Field("127.0.0.1", description="address to serve on")
    port: int = Field(8000, ge=1, le=65535, description="port to serve on")

    @property
    def of_answers(self) -> dict[str, str]:
        """The settings that change answers and show in no model's fingerprint, for the receipt."""
        worded = self.composer is not ComposerKind.EXTRACTIVE
        return {"composer_max_tokens": str(self.composer_max_tokens)} if worded else {}
