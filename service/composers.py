"""Which language model words the answers, by the settings."""

from indexer.errors import InputError
from service.language_model import LanguageModel, TransformersModel
from service.model_server import ServerModel
from service.settings import ComposerKind, Settings


def open_model(settings: Settings) -> LanguageModel | None:
    """The language model of the settings; None when the answers are quotes.

    Raises:
        InputError: a setting that it needs is missing or wrong.
        ModelError: it cannot be loaded.
    """
    match settings.composer:
        case ComposerKind.EXTRACTIVE:
            return None
        case ComposerKind.TRANSFORMERS:
            return TransformersModel(_model(settings), max_tokens=settings.composer_max_tokens)
        case ComposerKind.SERVER:
            if not settings.composer_base_url:
                raise InputError(
                    "the composer 'server' needs the address of an OpenAI-compatible server: give --composer-base-url "
                    "or set ZHENGWEN_COMPOSER_BASE_URL, for example to http://127.0.0.1:8080/v1"
                )
            return ServerModel(
                settings.composer_base_url,
                _model(settings),
                settings.composer_key.get_secret_value(),
                timeout=settings.composer_timeout,
                max_tokens=settings.composer_max_tokens,
            )


def _model(settings: Settings) -> str:
    if not settings.composer_model:
        raise InputError(
            f"the composer {settings.composer.value!r} needs a language model: give --composer-model or set "
            "ZHENGWEN_COMPOSER_MODEL"
        )
    return settings.composer_model
