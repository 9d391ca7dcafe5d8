"""The key of the provider, asked for before anything is started that could not send without it."""

from infra.outside import MissingKey
from infra.settings import Settings


def require_provider_key(settings: Settings) -> None:
    """Raise MissingKey unless there is a key for Mail Send."""
    if settings.sendgrid_api_key is None:
        raise MissingKey(
            "ANTIPHON_SENDGRID_API_KEY is not set: give the key for Mail Send, or for a trial run "
            "`antiphon demo`, which brings a provider of its own"
        )
