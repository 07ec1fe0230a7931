"""The backend's counters for Prometheus."""

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
QUEUE_DEPTH = Gauge("labelscape_queue_depth", "Events waiting to be processed", registry=REGISTRY)
OLDEST_EVENT = Gauge(
    "labelscape_oldest_event_seconds",
    "How long the oldest event has been waiting; 0 = none is waiting",
    registry=REGISTRY,
)
DATABASE_UP = Gauge("labelscape_database_up", "Whether MongoDB responds: 1 or 0", registry=REGISTRY)
LAST_SUCCESS = Gauge(
    "labelscape_project_last_success_seconds",
    "When a project was last brought up to date, in Unix time; 0 = not since the start",
    ["project"],
    registry=REGISTRY,
)
CONNECTIONS_CLOSED = Counter(
    "labelscape_connections_closed", "Connections closed because their request did not arrive", registry=REGISTRY
)
SET_ASIDE = Gauge("labelscape_events_set_aside", "Events that failed too often", registry=REGISTRY)
PREDICTIONS = Counter(
    "labelscape_predictions",
    "Predictions (answered or empty on /predict, pushed by the worker)",
    ["outcome"],
    registry=REGISTRY,
)
MEDIA = Counter(
    "labelscape_media",
    "Media requested (fetched, cached, local, refused, unavailable)",
    ["outcome"],
    registry=REGISTRY,
)
