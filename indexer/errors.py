"""The domain errors. Core code raises these; the command line and the HTTP layer each map them once.

ZhengwenError
├── InputError          a file, folder or argument that the user gave cannot be used
│   └── QuestionError   a question that cannot be asked (empty, too long)
├── NotFoundError       a document or passage that the index does not hold, a record that is not there
├── StoredIndexError    an index on disk that is missing, corrupt, foreign or of another format
├── RecordsError        a database of records that cannot be opened, read or written
└── ModelError          a model that cannot be loaded or does not fit the index
"""


class ZhengwenError(Exception):
    """Base of every error a user can do something about; the message says what."""


class InputError(ZhengwenError):
    """A file, folder or argument cannot be used."""


class QuestionError(InputError):
    """A question cannot be asked."""


class NotFoundError(ZhengwenError):
    """The index or the records do not hold what was asked for."""


class StoredIndexError(ZhengwenError):
    """An index on disk cannot be served."""


class RecordsError(ZhengwenError):
    """The database of records cannot be used."""


class ModelError(ZhengwenError):
    """A model cannot be loaded or does not fit the index."""
