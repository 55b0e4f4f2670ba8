"""A check for schemathesis, loaded by `fuzz.py`: what the document allows is never refused for its form."""

import schemathesis

FORM = "/openapi.json says what fits."
"""How the service ends messages about the form of a request, as against what it asks for."""


@schemathesis.check
def form_is_as_documented(_, response, case) -> None:
    """Hold that a request of the documented form is not refused for its form."""
    meta = case.meta
    if response.status_code == 422 and meta is not None and meta.generation.mode.is_positive:
        message = response.json()["error"]["message"]
        if message.endswith(FORM):
            raise AssertionError(f"A request of the documented form was refused for its form: {message}")
