"""Traces for whoever has an OpenTelemetry collector: one span a request, without texts, keys or bodies."""

from typing import TYPE_CHECKING

from textaxa._extras import require
from textaxa._version import __version__

if TYPE_CHECKING:
    from fastapi import FastAPI

PACKAGES = (
    "opentelemetry.sdk.trace",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.instrumentation.fastapi",
)

NOT_TRACED = "health/,metrics"


def check_packages() -> None:
    """Refuse to go on where the packages of OpenTelemetry are not installed.

    Raises
    ------
    MissingExtraError
        Naming the extra ``otlp``.
    """
    for name in PACKAGES:
        require(name, extra="otlp")


def trace(app: "FastAPI", endpoint: str) -> None:
    """Send a span of every request to a collector, over HTTP.

    Parameters
    ----------
    endpoint
        Such as ``http://localhost:4318/v1/traces``.
    """
    sdk = require("opentelemetry.sdk.trace", extra="otlp")
    resources = require("opentelemetry.sdk.resources", extra="otlp")
    batches = require("opentelemetry.sdk.trace.export", extra="otlp")
    exporter = require("opentelemetry.exporter.otlp.proto.http.trace_exporter", extra="otlp")
    instrumentation = require("opentelemetry.instrumentation.fastapi", extra="otlp")

    named = {"service.name": "textaxa", "service.version": __version__}
    provider = sdk.TracerProvider(resource=resources.Resource.create(named))
    provider.add_span_processor(batches.BatchSpanProcessor(exporter.OTLPSpanExporter(endpoint=endpoint)))
    instrumentation.FastAPIInstrumentor.instrument_app(
        app, tracer_provider=provider, excluded_urls=NOT_TRACED, exclude_spans=["receive", "send"]
    )
    app.state.traces = provider
