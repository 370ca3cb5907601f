"""Requests made up from the interface's own description, by Schemathesis, against a real server: none is ever a 5xx."""

import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings

from service.pipeline import Pipeline

# Enough to go through the boundary cases of every parameter; `st run` with more is for the night.
_EXAMPLES = 12
_SETTINGS = settings(
    max_examples=_EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.filterwarnings("ignore")
def test_made_up_request_is_an_internal_error(
    pipeline: Pipeline,
    index: Path,
    app_over: Callable[..., FastAPI],
    serving: Callable[..., AbstractContextManager[str]],
    tmp_path: Path,
) -> None:
    shutil.copytree(index, tmp_path / "index")  # it may be rolled back
    app = app_over(lambda: pipeline, index=tmp_path / "index", rate_per_minute_address=0)
    met: Counter[int] = Counter()
    tried = set()
    with serving(app) as url:
        while httpx.get(url + "/readyz").status_code != 200:
            pass
        schema = schemathesis.openapi.from_url(url + "/openapi.json")
        for result in schema.get_all_operations():
            operation = result.ok()
            tried.add(operation.label)

            @_SETTINGS
            @given(case=operation.as_strategy())
            def attempt(case: Any) -> None:
                response = case.call(timeout=60)
                met[response.status_code] += 1
                assert response.status_code < 500, f"{case.as_curl_command()}\n{response.text}"

            attempt()
    assert {"POST /api/ask", "POST /v1/chat/completions", "POST /retrieval", "GET /metrics"} <= tried
    assert met[200] > len(tried), met
