"""What may go into the database."""

import json

from indexer.errors import InputError


def checked_answer(answer_json: str) -> str:
    """`answer_json`, so that whoever reads it later finds an answer object.

    Raises:
        InputError: it is not a JSON object.
    """
    try:
        row = json.loads(answer_json)
    except (ValueError, RecursionError) as error:
        raise InputError(f"the answer is not JSON ({error}): send the answer object as it came") from error
    if not isinstance(row, dict):
        raise InputError(f"the answer must be a JSON object, not {type(row).__name__}: send it as it came")
    return answer_json
