"""The tree of domain errors is what its module says it is."""

import inspect
import re

from indexer import errors


def test_every_error_is_in_the_tree_of_the_docstring_under_its_parent():
    tree = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"([│├└─ ]*)(\w+Error)\b", line)
        if match:
            path = [*path[: len(match.group(1)) // 4], match.group(2)]
            tree[match.group(2)] = path[-2] if len(path) > 1 else "Exception"
    classes = dict(inspect.getmembers(errors, inspect.isclass))
    assert tree == {name: kind.__bases__[0].__name__ for name, kind in classes.items()}
