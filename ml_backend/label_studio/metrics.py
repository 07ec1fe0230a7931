"""What the backend counts, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

REQUESTS = Counter("labelscape_requests", "Requests answered", ["route", "status"], registry=REGISTRY)
SECONDS = Histogram("labelscape_request_seconds", "Time to answer a request", ["route"], registry=REGISTRY)
EVENTS = Counter(
    "labelscape_events",
    "Webhook events (queued, repeated, unknown or refused on arrival; done, failed or set aside by the worker)",
    ["action", "outcome"],
    registry=REGISTRY,
)
QUEUE_DEPTH = Gauge("labelscape_queue_depth", "Events that wait to be worked off", registry=REGISTRY)
SET_ASIDE = Gauge("labelscape_events_set_aside", "Events that failed too often", registry=REGISTRY)
PREDICTIONS = Counter(
    "labelscape_predictions",
    "Predictions (answered or empty on /predict, pushed by the worker)",
    ["outcome"],
    registry=REGISTRY,
)
MEDIA = Counter(
    "labelscape_media",
    "Media asked for (fetched, cached, local, refused, unavailable)",
    ["outcome"],
    registry=REGISTRY,
)
