"""The log of a running service: one JSON object a line on stderr, for people with ``jq`` and for collectors alike."""

import json
import logging
import sys
from datetime import UTC, datetime

from textaxa.server._watch import ACCESS

LOGGERS = ("textaxa.server", "uvicorn")


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        if record.name == ACCESS:
            return message  # a JSON object already
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": message,
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def set_up_log(*, access: bool) -> None:
    """Let the service's loggers write to stderr; other loggers are left as they are.

    Parameters
    ----------
    access
        Whether there is a line for every request.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO if name == "textaxa.server" else logging.WARNING)
    logging.getLogger(ACCESS).setLevel(logging.INFO if access else logging.WARNING)
