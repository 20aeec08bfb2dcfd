"""The dashboard as a workspace of `wandb-workspaces`, W&B's own library for views as code."""

from __future__ import annotations

import json
from typing import Any

import wandb
import wandb_workspaces.reports.v2 as reports
from pydantic import ValidationError
from wandb.sdk.lib.service.service_connection import WandbApiFailedError
from wandb_workspaces import expr, workspaces

from deploy.dashboard_panels import SECTIONS, Panel
from search_spaces.errors import UserError, one_line

NAME = "ERSAM Kit"


def build_workspace(entity: str, project: str, group: str | None) -> workspaces.Workspace:
    """The dashboard of a project, or of one group of its runs.

    Args:
        entity: user or team; may be empty unless it is saved.
        project: of W&B.
        group: of the runs; None for all.

    Raises:
        UserError: a group that the dashboard cannot be named by.
    """
    try:
        return _workspace(entity, project, group)
    except ValidationError as error:
        raise UserError(
            f"--wandb-group {group!r}: W&B takes no dashboard of this name"
            f" ({error.errors()[0]['msg']}); show another group, or leave the option out"
        ) from None


def _workspace(entity: str, project: str, group: str | None) -> workspaces.Workspace:
    return workspaces.Workspace(
        entity=entity,
        project=project,
        name=NAME if group is None else f"{NAME}: {group}",
        sections=[
            workspaces.Section(name=name, is_open=True, panels=[_panel(panel) for panel in panels])
            for name, panels in SECTIONS.items()
        ],
        runset_settings=workspaces.RunsetSettings(
            filters=[] if group is None else [expr.Metric("Group") == group],
            groupby=[expr.Metric("JobType")],
        ),
    )


def as_json(workspace: workspaces.Workspace) -> str:
    """What W&B would be sent."""
    return json.dumps(workspace._spec, indent=2)


def save(workspace: workspaces.Workspace) -> str:
    """Create the dashboard as a new view; returns its address.

    Raises:
        UserError: W&B refuses, or there is no such project.
    """
    try:
        return workspace.save_as_new_view().url
    except (wandb.errors.Error, WandbApiFailedError, ValueError) as error:
        where = f"{workspace.entity}/{workspace.project}"
        raise UserError(f"--create: {where}: {one_line(str(error))}") from None


def _panel(panel: Panel) -> Any:
    if panel.kind == "scatter":
        return reports.CustomChart(
            query={"summaryTable": {"tableKey": panel.keys[0]}},
            chart_name="wandb/scatter/v0",
            chart_fields={"x": panel.x, "y": panel.y},
            chart_strings={"title": panel.title},
        )
    if panel.kind == "table":
        return reports.WeavePanelSummaryTable(table_name=panel.keys[0])
    if panel.kind == "bar":
        return reports.BarPlot(title=panel.title, metrics=list(panel.keys))
    x = "Step" if panel.kind == "histogram" or panel.x == "_step" else panel.x
    return reports.LinePlot(title=panel.title, x=x, y=list(panel.keys))
