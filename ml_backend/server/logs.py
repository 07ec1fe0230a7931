"""The backend's log: a JSON object a line on stderr, without secrets."""

import logging
import os
import sys
from collections.abc import Iterable

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

FORMAT_VARIABLE = "LABELSCAPE_LOG"


def configure_logging(secrets: Iterable[str]) -> None:
    """Send our log, and what libraries warn of, to stderr; for people to read where ``$LABELSCAPE_LOG`` is ``console``.

    Args:
        secrets: they are blackened wherever they appear, in an exception's message too.
    """
    console = os.environ.get(FORMAT_VARIABLE) == "console"
    render: Processor = structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    blacken = _blacken([secret for secret in secrets if secret])
    structlog.configure(
        processors=[*shared, render, blacken],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render, blacken],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _blacken(secrets: list[str]) -> Processor:
    def blacken(_logger: WrappedLogger, _method: str, line: EventDict) -> str:
        text = str(line)
        for secret in secrets:
            text = text.replace(secret, "***")
        return text

    return blacken
