"""The model card of a bundle: `README.md`, after Mitchell et al. 2019 ("Model cards")."""

from __future__ import annotations

from typing import Any

import yaml

from deploy.shown_text import shown
from search_spaces.ambiance import AmbianceLevels
from search_spaces.task import Metric, Task
from search_spaces.task_counts import CountsTask
from search_spaces.task_embedding import EmbeddingTask
from search_spaces.task_json import read_task

CARD = """# {name}

A {params:,}-parameter net that {what}.
Waveform in ({rate_hz} Hz, mono, float32 in [-1, 1], {clip_samples:,} samples),
{output} out ({outputs}).

## Use

    python -m deploy predict --bundle <this folder> recording.wav

{meant_for}

## Files

{files}

The models run on {runtime} {runtime_version} or later with {backend}. `vectors.bin` holds inputs
with expected outputs, `manifest.json` everything on this page as data.

## Metrics

On the labelled validation clips, measured with these very files, with 95 % bootstrap intervals:

| | {titles} | largest difference from torch |
|---|{rules}---|
{metrics}

Validation clips also chose the net and its temperature; for an unbiased figure run
`python -m deploy evaluate` on recordings of people that training never heard.
{int8_note}
## Costs

{costs}

## Training data

{training}

## Made by

ERSAM Kit {kit_version}, {created}, from the search with seed {seed}. Temperature {temperature:.3f}.
Licence of the weights: {licence}.
"""

FOR_COUNTS = """Levels: {levels}.
Intended for counting voices in rooms on a device, without keeping or sending the sound.
Not for telling who speaks or what is said, and not where a wrong count could harm somebody."""
FOR_CLASSES = """Intended for sounds like those that it was trained on, heard on the device itself.
It names one of its classes whatever it hears, and must not decide alone where that could harm
somebody."""
FOR_EMBEDDINGS = """Intended as the input of small classifiers of what a voice or a sound is like,
trained on few examples. An embedding says much of who speaks: keep it as you would the sound."""
UNITS = {
    "teacher": "its teacher's less their mean, in units of their spread",
    "time": "of length 1",
}


def model_card(manifest: dict[str, Any]) -> str:
    """The card of a manifest (all fields but ``files``, which the card is one of)."""
    task, seconds = read_task(manifest), manifest["clip_samples"] / manifest["rate_hz"]
    if isinstance(task, CountsTask):
        what = f"says how many people speak in {seconds:g} s of sound and how lively the place is"
        meant_for = FOR_COUNTS.format(levels=_levels(task.levels, task.outputs[-1]))
        output = "probability of each count"
        outputs = f"{task.outputs[0]} to {task.outputs[-1]}"
    elif isinstance(task, EmbeddingTask):
        what = f"makes an embedding of {seconds:g} s of sound"
        meant_for = FOR_EMBEDDINGS
        output, outputs = "an embedding", f"{task.dimensions} numbers, {UNITS[task.learned_from]}"
    else:
        number = "which of" if task.several else "which one of"
        what = f"says {number} {len(task.outputs)} classes is heard in {seconds:g} s of sound"
        meant_for = FOR_CLASSES
        output, outputs = "probability of each class", ", ".join(task.outputs)
    held = {name: value for name, value in manifest["precisions"].items() if value is not None}
    note = manifest["int8_reason"]
    card = CARD.format(
        name=manifest["name"],
        params=manifest["costs"]["params"],
        rate_hz=manifest["rate_hz"],
        clip_samples=manifest["clip_samples"],
        what=what,
        meant_for=meant_for,
        output=output,
        outputs=outputs,
        titles=" | ".join(metric.title for metric in task.judged_by),
        rules="---|" * len(task.judged_by),
        files="\n".join(f"- `{value['file']}`: {name}" for name, value in held.items()),
        runtime=manifest["runtime"]["name"],
        runtime_version=manifest["runtime"]["version"],
        backend=manifest["runtime"]["backend"],
        metrics="\n".join(_metrics_row(task, name, value) for name, value in held.items()),
        int8_note=f"\nNote: {note}.\n" if note else "",
        costs=_costs(manifest["costs"]),
        training=_training(manifest["training"]),
        kit_version=manifest["kit_version"],
        created=manifest["created"],
        seed=manifest["search"]["seed"],
        temperature=manifest["temperature"],
        licence=manifest["licence"],
    )
    return shown(card)  # classes are named like folders


def _levels(levels: AmbianceLevels, last: str) -> str:
    starts = [0, *levels.edges]
    ends = [*(edge - 1 for edge in levels.edges), int(last)]
    spans = (f"{a}" if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True))
    return ", ".join(f"{name} ({span})" for name, span in zip(levels.names, spans, strict=True))


def _metrics_row(task: Task, name: str, precision: dict[str, Any]) -> str:
    validation = precision["validation"]
    cells = (
        *(_estimate(validation[metric.key], metric) for metric in task.judged_by),
        f"{precision['max_difference']:.1e}",
    )
    return f"| {name} | {' | '.join(cells)} |"


def _estimate(estimate: dict[str, Any], metric: Metric) -> str:
    if estimate["value"] is None:
        return f"not measured: {estimate['reason']}"
    low, high = (metric.scale * estimate[key] for key in ("low", "high"))
    value = metric.text(estimate["value"], digits=2)
    return f"{value} ({low:.2f} to {high:.2f}, {estimate['clips']} clips)"


def _costs(costs: dict[str, Any]) -> str:
    lines = [
        f"- {costs['macs'] / 1e6:.2f} MMAC a clip, {costs['frontend_macs'] / 1e6:.2f} of them in"
        " the front end",
        f"- {costs['peak_activation_bytes'] / 1024:.0f} KiB of activations at the peak (fp32)",
    ]
    for quantity, unit in (("latency", "ms"), ("energy", "mJ")):
        predicted = costs[f"predicted_{quantity}_{unit.lower()}"]
        if predicted is None:
            lines.append(f"- {quantity} not predicted: {costs[f'predicted_{quantity}_reason']}")
        else:
            figures = ", ".join(f"{value:.2f} {unit} {name}" for name, value in predicted.items())
            lines.append(f"- predicted {quantity} a clip: {figures} (cost table of the search)")
    return "\n".join(lines)


def _training(training: dict[str, Any]) -> str:
    if training["record"] is None:
        return f"Unknown: {training['reason']}."
    record = dict(training["record"])
    settings = record.pop("settings", None)
    lines = [f"- {key}: {_in_words(value)}" for key, value in record.items()]
    if settings is not None:
        lines += ["", "Settings of `lightning_modules fit`:", "", "```yaml"]
        lines += [yaml.safe_dump(settings, sort_keys=False).rstrip(), "```"]
    return "\n".join(lines)


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {each}" for key, each in value.items())
    if isinstance(value, list):
        return "; ".join(map(_in_words, value))
    return str(value)
