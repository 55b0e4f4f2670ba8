"""Numbers in request bodies, taken as JSON has them: ``false`` and ``"3"`` are no numbers."""

from typing import Annotated, Any

from pydantic import BeforeValidator


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError("a number is needed")
    return value


Whole = Annotated[int, BeforeValidator(_number)]
"""A whole number; ``3.0`` is one, as in JSON Schema."""

Number = Annotated[float, BeforeValidator(_number)]
"""A number."""
