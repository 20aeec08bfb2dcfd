"""`probe.json` as a table, in Markdown."""

from __future__ import annotations

from typing import Any

from deploy.probe_classifiers import CLASSIFIERS


def table(value: dict[str, Any]) -> str:
    """A row per model: accuracies in percent, and time and size beside the teacher's, if any.

    An accuracy is that of logistic regression, then that of LDA.
    """
    models, teacher = value["models"], teacher_of(value)
    sets = [one["name"] for one in value["sets"]]
    header = ["model", "form", "dimensions", *sets, "mean", "ms per s", "MB"]
    rows = [header, ["---"] * len(header)]
    for model in models:
        rows.append(
            [
                model["name"] + (" (teacher)" if model is teacher else ""),
                model["form"],
                str(model["dimensions"]),
                *(_both(model["accuracy"][name], "value") for name in sets),
                _both(model["mean_accuracy"]) + _below(model, teacher),
                f"{model['ms_per_second']:.3f}" + share(model, teacher, "ms_per_second"),
                f"{model['bytes'] / 1e6:.3f}" + share(model, teacher, "bytes"),
            ]
        )
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    classifiers = " / ".join(CLASSIFIERS.values())
    tested = "; ".join(
        f"{one['name']}: {one['classes']} classes, {one['recordings']} recordings, {one['tested']}"
        for one in value["sets"]
    )
    normalised = ", speaker-normalised" if value["speaker_normalised"] else ""
    return "\n".join([*lines, "", f"Accuracy in % by {classifiers}{normalised}. {tested}."])


def _both(of: dict[str, Any], key: str | None = None) -> str:
    values = (of[name] if key is None else of[name][key] for name in CLASSIFIERS)
    return " / ".join(f"{100 * value:.1f}" for value in values)


def _below(model: dict[str, Any], teacher: dict[str, Any] | None) -> str:
    if teacher is None or model is teacher:
        return ""
    gaps = (
        100 * (model["mean_accuracy"][name] - teacher["mean_accuracy"][name])
        for name in CLASSIFIERS
    )
    return f" ({' / '.join(f'{gap:+.1f}' for gap in gaps)})"


def teacher_of(value: dict[str, Any]) -> dict[str, Any] | None:
    """The model that others are compared with, if any."""
    return next((model for model in value["models"] if model["role"] == "teacher"), None)


def share(model: dict[str, Any], teacher: dict[str, Any] | None, key: str) -> str:
    """A cost beside the teacher's, in brackets; nothing of the teacher itself."""
    if teacher is None or model is teacher:
        return ""
    part = model[key] / teacher[key]
    return f" ({100 * part:.1f} %)" if part > 0.1 else f" (1/{1 / part:.0f})"
