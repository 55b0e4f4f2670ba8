"""Routes alone, over a made-up model: for large taxonomies, and for what no tiny model does."""

from types import SimpleNamespace
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient

from textaxa.server import ServerSettings
from textaxa.server._errors import UnknownModel
from textaxa.server._problems import tell_problems


def served(taxonomy, *, summary=None, task="single", version="v1", name="apps", **more: Any) -> SimpleNamespace:
    return SimpleNamespace(
        name=name, version=version, taxonomy=taxonomy, summary=summary or {}, task=task, separator=" > ", **more
    )


class OneModel:
    """A service of one model, which may change."""

    def __init__(self, model: SimpleNamespace) -> None:
        self.model, self.names, self.default = model, (model.name,), model.name

    def get(self, name: str | None = None) -> SimpleNamespace:
        if name not in (None, self.model.name):
            raise UnknownModel(f"There is no model {name!r}.")
        return self.model


def app_of(router, service, **settings: Any) -> TestClient:
    """Give a client of one router; to be entered where it computes in the background."""
    app = FastAPI()
    tell_problems(app)
    app.include_router(router(service, ServerSettings(**settings)))
    return TestClient(app, raise_server_exceptions=False)
