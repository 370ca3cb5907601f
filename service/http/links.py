"""Addresses of places in documents, for every interface that shows citations."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request


@dataclass(frozen=True)
class Links:
    """Addresses of the page's viewer under `base`, the service's own address; an empty one makes them relative to it."""

    base: str = ""

    def to(self, doc_id: str, start: int, end: int) -> str:
        """Address of a span of a document, in code points."""
        return f"{self.base.rstrip('/')}/d/{quote(doc_id)}#char={start},{end}"

    def to_shared(self, share_id: str) -> str:
        """Address of the page that shows a shared answer."""
        return f"{self.base.rstrip('/')}/a/{quote(share_id)}"


def _links(request: Request) -> Links:
    links: Links = request.state.links
    return links


LinksDep = Annotated[Links, Depends(_links)]
