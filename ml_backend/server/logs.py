"""The backend's log: one JSON object per line on stderr, without secrets."""

import logging
import os
import sys

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

FORMAT_VARIABLE = "LABELSCAPE_LOG"


_secrets: set[str] = set()


def blacken(*secrets: str) -> None:
    """Redact these secrets wherever they appear in the log from now on, including exception messages."""
    _secrets.update(secret for secret in secrets if secret)


def configure_logging() -> None:
    """Send our log and libraries' warnings to stderr; human-readable if ``$LABELSCAPE_LOG`` is ``console``."""
    console = os.environ.get(FORMAT_VARIABLE) == "console"
    render: Processor = structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, render, _without_secrets],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render, _without_secrets],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _without_secrets(_logger: WrappedLogger, _method: str, line: EventDict) -> str:
    text = str(line)
    for secret in _secrets:
        text = text.replace(secret, "***")
    return text
