"""The settings, read once from the environment (`ZHENGWEN_…`) and passed in."""

from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from indexer.files import Limits

Network = IPv4Network | IPv6Network


def networks(text: str) -> tuple[Network, ...]:
    """The networks of a list separated by commas; an address is a network of one. Raises ValueError."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


class ComposerKind(StrEnum):
    """Who words the answers: the documents themselves, a language model in this process, or one behind a server."""

    EXTRACTIVE = "extractive"
    TRANSFORMERS = "transformers"
    SERVER = "server"


class KeyRule(StrEnum):
    """Who needs an API key: everybody but programs on this machine while the address is loopback, everybody, or nobody."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class AuditQuestions(StrEnum):
    """How the audit log keeps questions: as they are, as a keyed hash that only tells equal ones, or not at all."""

    PLAIN = "plain"
    HASHED = "hashed"
    OMITTED = "omitted"


class LogFormat(StrEnum):
    """For people, or one JSON object a line."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """The least that a record must matter to be logged."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class Settings(BaseSettings):
    """Every setting, its default and what it does; a command-line option beats the environment."""

    model_config = SettingsConfigDict(env_prefix="ZHENGWEN_", frozen=True, extra="ignore")

    corpus: Path = Field(Path("corpus"), description="folder of documents to index")
    index: Path = Field(Path("build/index"), description="folder of the index")
    keep_versions: int = Field(3, ge=2, description="versions of the index that stay on disk, the newest one included")
    file_megabytes: int = Field(
        200, ge=1, description="size of a file, or of one in an archive, up to which it is read"
    )
    file_pages: int = Field(5000, ge=1, description="pages or slides of a file up to which it is read")
    file_seconds: float = Field(120.0, gt=0, allow_inf_nan=False, description="seconds that reading a file may take")
    file_memory_megabytes: int = Field(2048, ge=64, description="memory that reading a file may take")
    ocr: bool = Field(False, description="read the pages of PDF files that are images; needs the extra ocr")
    embedder: str = Field("", description="SentenceTransformer folder or hub name; empty: the bundled one")
    reader: str = Field(
        "", description="CrossEncoder folder or hub name that orders the evidence; empty: the evidence model alone"
    )
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
    workers: int = Field(1, ge=1, le=256, description="processes that serve; they share the index in memory")
    watch_index: bool = Field(True, description="take up a new version of the index without a restart")
    canaries: str = Field("", description="file of questions that a new version must get right before it is served")
    report: str = Field("", description="HTML file of the last evaluation report, for administrators; empty: none")
    public_url: str = Field(
        "",
        pattern=r"^(https?://[^\s/?#]+(/[^\s?#]*)?)?$",
        description="address of the service as its users reach it, for links in answers; empty: links without a host",
    )

    require_keys: KeyRule = Field(
        KeyRule.AUTO,
        description="who needs an API key: auto (nobody on a loopback address, else everybody), always or never",
    )
    trusted_proxies: str = Field(
        "",
        description="addresses or networks, separated by commas, of the reverse proxies whose X-Forwarded-For is believed",
    )
    rate_per_minute_key: int = Field(600, ge=0, le=1_000_000, description="requests a minute for one key; 0: no limit")
    rate_per_minute_address: int = Field(
        120,
        ge=0,
        le=1_000_000,
        description="requests a minute from one address, without a key or with a browser token; 0: no limit",
    )
    work_at_once: int = Field(0, ge=0, description="questions that a worker answers at once; 0: the number of cores")
    queue_length: int = Field(32, ge=0, description="questions that may wait for a worker; more are told to come again")
    queue_seconds: float = Field(20.0, gt=0, allow_inf_nan=False, description="seconds that a question may wait")
    request_seconds: float = Field(
        60.0, gt=0, allow_inf_nan=False, description="seconds that a question may take, waiting included"
    )
    database: str = Field(
        "sqlite:///build/state/zhengwen.db",
        repr=False,  # the address of a server has a password in it
        description="where keys, conversations, feedback and the audit log are kept: sqlite:/// and a file, or "
        "postgresql+psycopg://user:password@host/name",
    )
    audit_questions: AuditQuestions = Field(
        AuditQuestions.PLAIN, description="how the audit log keeps questions: plain, hashed or omitted"
    )
    audit_days: int = Field(
        0, ge=0, le=36500, description="days after which an entry of the audit log is removed; 0: never"
    )
    share_days: int = Field(
        180, ge=0, le=36500, description="days that a link to a shared answer can be opened; 0: for ever"
    )
    hosts: str = Field(
        "",
        description="names, separated by commas, that the service goes by and no other; empty: on a loopback address those "
        "of this machine to itself, elsewhere any",
    )
    max_connections: int = Field(512, ge=1, description="connections that a worker holds open; idle ones make room")
    client_seconds: float = Field(
        20.0,
        gt=0,
        allow_inf_nan=False,
        description="seconds that a client may take to send a request's head, or its body, or to go on reading",
    )
    keep_alive_seconds: int = Field(30, ge=1, description="seconds that a connection stays open after a response")
    shutdown_seconds: int = Field(
        30, ge=1, description="seconds that requests at work get to finish when it is stopped"
    )
    log_format: LogFormat = Field(LogFormat.TEXT, description="form of the log: text, or json for one object a line")
    log_level: LogLevel = Field(LogLevel.INFO, description="what is logged: DEBUG, INFO, WARNING or ERROR and above")
    log_questions: bool = Field(False, description="put the text of questions into the log")
    telemetry_endpoint: str = Field(
        "", description="address of an OpenTelemetry collector, such as http://127.0.0.1:4318; empty: no traces"
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        networks(value)
        return value

    @property
    def file_limits(self) -> Limits:
        """What reading one file may cost."""
        return Limits(self.file_megabytes, self.file_pages, self.file_seconds, self.file_memory_megabytes, self.ocr)

    @property
    def of_answers(self) -> dict[str, str]:
        """The settings that change answers and show in no model's fingerprint, for the receipt."""
        worded = self.composer is not ComposerKind.EXTRACTIVE
        return {"composer_max_tokens": str(self.composer_max_tokens)} if worded else {}
