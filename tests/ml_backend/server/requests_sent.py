"""Requests that tests send to the server, and a metric of it."""

from starlette.testclient import TestClient

TASKS = [{"id": number, "data": {"image": f"/data/upload/{number}.png"}} for number in range(3)]


PREDICT = {"project": "3.1", "tasks": TASKS, "label_config": "<View/>", "params": {"context": None}}


EVENT = {"action": "ANNOTATION_CREATED", "annotation": {"id": 1, "task": 7, "result": []}, "project": {"id": 3}}


def metric(client: TestClient, name: str) -> float:
    lines = client.get("/metrics").text.splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), 0.0)
