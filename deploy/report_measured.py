"""Which measurements the report sets beside a prediction: those of what was predicted for."""

from __future__ import annotations

from typing import Any

from deploy.report_data import RunData
from deploy.report_text import machine, milliseconds, net_title
from search_spaces.cost_table import CostTable

ELSEWHERE = "see Latency"


def of_table(measurement: dict[str, Any], table: CostTable) -> bool:
    """Whether it was measured on the device and with the threads that the cost table is of."""
    measured = (measurement["device"]["name"], measurement["threads"])
    return measured == (table.device["name"], table.threads)


def measured_texts(data: RunData) -> dict[str, str]:
    """Median latency by `net_title`, or where to find it: on another machine it says nothing here.

    Without a cost table any machine will do, as long as there is only one.
    """
    texts = dict.fromkeys(map(net_title, data.measurements), ELSEWHERE)
    return texts | {
        net_title(record): milliseconds(record["latency_ms"]["p50"]) for record in _beside(data)
    }


def _beside(data: RunData) -> list[dict[str, Any]]:
    if data.cost_table is not None:
        return [record for record in data.measurements if of_table(record, data.cost_table)]
    alike = len({machine(record) for record in data.measurements}) == 1
    return data.measurements if alike else []
