"""The filters of a question, as every interface takes them."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from indexer.scope import Scope

_DATE: JsonDict = {"pattern": "^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$"}

Values = Annotated[tuple[Annotated[str, StringConstraints(min_length=1, max_length=300)], ...], Field(max_length=100)]


class Filters(BaseModel):
    """Which documents may answer: those that fit each filter given, one of its values each.

    A field of another name is an error, for a filter that is passed over would answer from everything.
    """

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"regions": ["北京"], "published_from": "2022"}]}
    )

    documents: Values = Field((), description="Documents by doc_id, or shell patterns over them: 通知/*.")
    issuers: Values = Field((), description="Who issued it, or a part of the name: 经信局.")
    regions: Values = Field((), description="Where it holds, or a part of the name: 北京.")
    kinds: Values = Field((), description="What it is, or a part of it: 白皮书.")
    published_from: str = Field(
        "", max_length=10, description="2022, 2022-11 or 2022-11-30, inclusive.", json_schema_extra=_DATE
    )
    published_to: str = Field("", max_length=10, description="The same.", json_schema_extra=_DATE)
    as_of: str = Field(
        "",
        max_length=10,
        description="The day that validity is judged on, such as 2022-11-30; left out: today.",
        json_schema_extra=_DATE,
    )
    validity: Values = Field(
        (), description="What it is on that day: in_force, not_yet, repealed, amended, unknown, or the same in Chinese."
    )


def scope_of(filters: Filters | None) -> Scope:
    """The scope of a question, within all documents.

    Raises:
        QuestionError: a value is blank or no date.
    """
    return Scope(**(filters or Filters()).model_dump())
