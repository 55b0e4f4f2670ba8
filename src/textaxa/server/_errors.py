"""Why the service does not answer: each with the HTTP status and the code for programs that tell it to a client."""

import math

from textaxa.errors import TextaxaError


class ServiceError(TextaxaError):
    """A request was understood, but is not answered.

    Attributes
    ----------
    status
        Of HTTP.
    code
        For programs; it stays the same.
    retry_after
        Seconds after which it is worth trying again; None where that cannot be told.
    """

    status = 503
    code = "not_available"
    retry_after: float | None = None


class TooBusy(ServiceError):  # noqa: N818 -- what it says, not what it is
    """The queue is full.

    >>> TooBusy(2.4, waiting=180_000).retry_after
    3
    """

    status, code = 429, "too_busy"

    def __init__(self, seconds: float, *, waiting: int) -> None:
        self.retry_after = max(1, math.ceil(seconds))
        super().__init__(
            f"About {waiting:,} tokens wait to be computed already, and there is no room for more. More is asked for "
            f"than this machine can answer; try again in {self.retry_after} s."
        )


class TimedOut(ServiceError):  # noqa: N818 -- as above
    """A request was not answered in time; what of it was not computed yet never will be."""

    code = "timed_out"

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"There was no answer within {seconds:g} s: the request's texts take longer, or many others were asked for "
            "before. Send fewer texts at a time, or start the service with a larger --timeout."
        )


class UnknownModel(ServiceError):  # noqa: N818 -- as above
    """No model of that name is served."""

    status, code = 404, "unknown_model"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.where = ["model"]


class Closing(ServiceError):  # noqa: N818 -- as above
    """The service ends and takes no more."""

    code, retry_after = "closing", 5.0

    def __init__(self) -> None:
        super().__init__("The service is ending. Send the request again, or to another.")


class ModelChanged(ServiceError):  # noqa: N818 -- as above
    """The folder holds another version than the one that is served, and a part is needed that was not loaded yet."""

    code = "model_changed"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Promises about the model {name!r} need a part of its folder that is loaded only when it is asked for, "
            "and the folder has changed since. Reload the model."
        )


class ComputeFailed(ServiceError):  # noqa: N818 -- as above
    """The model failed on these texts; the service goes on."""

    status, code = 500, "internal_error"

    def __init__(self) -> None:
        super().__init__("The model failed on this request. The service's log says why; other requests are answered.")
