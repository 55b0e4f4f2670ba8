"""A model behind HTTP: JSON in, JSON out, and a page for people.

Needs the extra ``serve``. `create_app` makes an ASGI application of a `Service` and its `ServerSettings`;
``textaxa serve`` runs it.
"""

from textaxa.server._settings import ServerSettings, admin_token_of, keys_of

__all__ = ["ServerSettings", "admin_token_of", "keys_of"]
