"""The report's section about probes: what linear classifiers tell from each embedding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deploy.probe_classifiers import CLASSIFIERS
from deploy.probe_table import share, teacher_of
from deploy.report_data import PROBE, RunData
from deploy.report_figures import Figure
from deploy.report_page import Card, Section, Table
from deploy.report_reader import Missing
from deploy.report_svg import Chart, linear_axis, log_axis
from deploy.report_text import milliseconds, percent
from search_spaces.clip import SAMPLE_RATE_HZ

STYLES = {"teacher": "c2", "student": "c1"}
SHOWN = "logistic"  # classifier of the pictures
_AGAIN = "python -m deploy evaluate --probe SET... --bundle BUNDLES --teacher FILE --out RUN/probe"


def probe_cards(value: dict[str, Any], bundle: str) -> list[Card]:
    """Accuracy and time of a bundle's net beside the teacher's; none where it was not probed."""
    teacher = teacher_of(value)
    students = (model for model in value["models"] if model["role"] == "student")
    model = next((model for model in students if model["name"] == bundle), None)
    if model is None:
        return []
    accuracy, time = "", ""
    if teacher is not None:
        accuracy = f"; the teacher {100 * teacher['mean_accuracy'][SHOWN]:.1f} %"
        time = f"; the teacher {_ms(teacher)}"
    sets = "1 set" if len(value["sets"]) == 1 else f"{len(value['sets'])} sets"
    return [
        Card(
            "Mean accuracy of probes",
            f"{100 * model['mean_accuracy'][SHOWN]:.1f} %",
            f"{CLASSIFIERS[SHOWN]}, {sets}{accuracy}",
        ),
        Card("For a second of sound", _ms(model), f"{_title(model)}{time}"),
    ]


def probe_section(data: RunData) -> Section:
    """Accuracy of teacher and students, what the students lose, and what both cost."""
    lead = "Linear classifiers learn labels from embeddings that stay as they are (NOSS)."
    if data.probe is None:
        return Section("probes", "Probes", lead, missing=data.missing.get("probe", ()))
    value, teacher = data.probe, teacher_of(data.probe)
    if value["speaker_normalised"]:
        lead += " Each speaker's mean and spread were taken off; no label is used for that."
    accuracies = [_accuracies(value, teacher, name) for name in CLASSIFIERS]
    return Section(
        "probes",
        "Probes",
        lead,
        figures=[_figure(value, one["name"]) for one in value["sets"]],
        tables=[*accuracies, _costs(value, teacher), _sets(value)],
        missing=[Missing(PROBE, reason, _AGAIN) for reason in _absent(data, value)],
    )


def _absent(data: RunData, value: dict[str, Any]) -> Iterator[str]:
    """What the probes do not tell."""
    if teacher_of(value) is None:
        yield "holds no teacher, so that nothing says what the students lose"
    probed = {model["sha256"] for model in value["models"]}
    for bundle in data.bundles:
        if probed.isdisjoint(file["sha256"] for file in bundle.manifest["files"].values()):
            yield f"bundles/{bundle.path.name} as it lies here was not probed"


def _figure(value: dict[str, Any], name: str) -> Figure:
    """Accuracy on a set over the time for a second of sound."""
    models = value["models"]
    judged = [model["accuracy"][name][SHOWN] for model in models]
    ends = [100 * estimate[end] for estimate in judged for end in ("low", "high")]
    times_ms = [model["ms_per_second"] for model in models]
    chart = Chart(
        log_axis("time for a second of sound (ms)", times_ms),
        linear_axis(f"accuracy on {name} (%)", ends, low=None),
    )
    notes = []
    for model, estimate in zip(models, judged, strict=True):
        style, ms = STYLES[model["role"]], model["ms_per_second"]
        notes.append(f"{_title(model)}: {percent(estimate)}, {_ms(model)}")
        chart.intervals([(ms, 100 * estimate["low"], 100 * estimate["high"])], style)
        chart.points([(ms, 100 * estimate["value"])], style, [notes[-1]], 6)
    return Figure(
        chart.svg(f"Accuracy on {name} against time. {'; '.join(notes)}"),
        f"{name}: accuracy by {CLASSIFIERS[SHOWN]} with its 95 % interval.",
        tuple((STYLES[r], r) for r in sorted({model["role"] for model in models})),
    )


def _accuracies(value: dict[str, Any], teacher: dict[str, Any] | None, classifier: str) -> Table:
    names = [one["name"] for one in value["sets"]]
    reached = None if teacher is None else _values(teacher, names, classifier)
    rows = []
    for model in value["models"]:
        values = _values(model, names, classifier)
        cells = [percent(model["accuracy"][name][classifier]) for name in names]
        cells.append(f"{values[-1]:.1f} %")
        if reached and model is not teacher:
            pairs = zip(cells, values, reached, strict=True)
            cells = [f"{cell} ({own - best:+.1f})" for cell, own, best in pairs]
        rows.append((_title(model), str(model["dimensions"]), *cells))
    beside = "" if teacher is None else "; in brackets, points above or below the teacher"
    caption = f"Accuracy by {CLASSIFIERS[classifier]}, with 95 % intervals{beside}"
    return Table(caption, ("model", "dimensions", *names, "mean of sets"), rows)


def _values(model: dict[str, Any], sets: list[str], classifier: str) -> list[float]:
    """Accuracy on each set, then their mean, in percent."""
    of_sets = (model["accuracy"][name][classifier]["value"] for name in sets)
    return [100 * value for value in (*of_sets, model["mean_accuracy"][classifier])]


def _costs(value: dict[str, Any], teacher: dict[str, Any] | None) -> Table:
    rows = [
        (
            _title(model),
            f"{model['clip_samples'] / SAMPLE_RATE_HZ:g} s",
            _ms(model) + share(model, teacher, "ms_per_second"),
            f"{model['bytes'] / 1e6:.3f} MB" + share(model, teacher, "bytes"),
        )
        for model in value["models"]
    ]
    device = value["device"]
    beside = "" if teacher is None else "; in brackets, beside the teacher"
    caption = f"Time and size on {device['name']}, {device['os']}, 1 thread{beside}"
    return Table(caption, ("model", "hears at once", "for a second of sound", "file"), rows)


def _sets(value: dict[str, Any]) -> Table:
    header = ("set", "recordings", "classes", "speakers", "folds", "tested")
    rows = [
        (
            one["name"],
            str(one["recordings"]),
            str(one["classes"]),
            "not known" if one["speakers"] is None else str(one["speakers"]),
            str(one["folds"]),
            one["tested"],
        )
        for one in value["sets"]
    ]
    return Table("The sets, and what each probe was tested on", header, rows)


def _title(model: dict[str, Any]) -> str:
    return f"{model['name']} {model['form']}" + (", teacher" * (model["role"] == "teacher"))


def _ms(model: dict[str, Any]) -> str:
    return milliseconds(model["ms_per_second"])
