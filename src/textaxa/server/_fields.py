"""Numbers in request bodies, taken as JSON has them: ``false`` and ``"3"`` are no numbers."""

from typing import Any

from pydantic import BeforeValidator


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError("a number is needed")
    return value


NUMBER = BeforeValidator(_number)
"""For types of numbers, behind their bounds: ``Annotated[int, Field(ge=0), NUMBER]``. Bounds that stand elsewhere do
not reach the OpenAPI document. A whole number may be written ``3.0``, as in JSON Schema."""
