"""The shapes of replies and errors, for the OpenAPI document."""

from typing_extensions import TypedDict

from service.answer import ShownPassage


class SearchReply(TypedDict):
    """Passages, best first."""

    passages: list[ShownPassage]


class CheckRow(TypedDict):
    """The check of a citation, or with `marker` null of a sentence; `problem` is null when it holds."""

    marker: int | None
    text: str
    problem: str | None


class VerifyReply(TypedDict):
    holds: bool
    checks: list[CheckRow]


class MetadataSource(TypedDict):
    """Where a document says what a field of its metadata holds: the code points `start` to `end` of its text."""

    field: str
    start: int
    end: int


class DocumentSummary(TypedDict):
    """What is known of a document; empty means unknown. `validity` is its status today."""

    doc_id: str
    title: str
    source_title: str
    issuer: str
    authors: tuple[str, ...]
    region: str
    published: str
    kind: str
    period: str
    note: str
    number: str
    signed: str
    effective: str
    expires: str
    repealed: str
    level: str
    subject: str
    repeals: tuple[str, ...]
    amends: tuple[str, ...]
    validity: str
    sha256: str
    characters: int
    passages: int


class ExampleRow(TypedDict):
    """A question, and the document that it was made of."""

    question: str
    doc_id: str


class ExamplesReply(TypedDict):
    examples: list[ExampleRow]


class DocumentsReply(TypedDict):
    documents: list[DocumentSummary]


class SectionRow(TypedDict):
    """A heading and all that stands under it: the code points `start` to `end` of the text."""

    title: str
    path: tuple[str, ...]
    depth: int
    start: int
    end: int


class DocumentReply(DocumentSummary):
    """A document with its canonical text, the outline of it, and where it says its metadata."""

    sources: list[MetadataSource]
    text: str
    outline: list[SectionRow]


class VersionReply(TypedDict):
    """What answers; `worker` is the process that says so, `problem` why it does not serve a newer index, else null."""

    version: str
    index: str
    models: dict[str, str]
    prompt: str
    worker: int
    problem: str | None


class Problem(TypedDict):
    """Problem details of RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    instance: str


class OpenAIErrorObject(TypedDict):
    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIError(TypedDict):
    error: OpenAIErrorObject


class DifyRecord(TypedDict):
    """A passage; the score, 0 to 1, falls with its rank."""

    content: str
    score: float
    title: str
    metadata: dict[str, str | int]


class DifyReply(TypedDict):
    records: list[DifyRecord]


class DifyError(TypedDict):
    """1001: malformed Authorization header; 1002: refused key; 2001: unknown knowledge_id; else the status."""

    error_code: int
    error_msg: str
