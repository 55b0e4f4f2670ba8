"""A model behind HTTP: JSON in, JSON out, and a page for people.

Needs the extra ``serve``. `create_app` makes an ASGI application of a `Service` and its `ServerSettings`;
``textaxa serve`` runs it.
"""

from textaxa.server._settings import ServerSettings

__all__ = ["ServerSettings"]
