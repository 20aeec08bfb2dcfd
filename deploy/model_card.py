"""The model card of a bundle: `README.md`, after Mitchell et al. 2019 ("Model cards")."""

from __future__ import annotations

from typing import Any

import yaml

CARD = """# {name}

A {params:,}-parameter net that says how many people speak in five seconds of sound and how lively
the place is. Waveform in ({rate_hz} Hz, mono, float32 in [-1, 1], {clip_samples:,} samples),
probability of each count out ({outputs}).

## Use

    python -m deploy predict --bundle <this folder> recording.wav

Levels: {levels}.
Intended for counting voices in rooms on a device, without keeping or sending the sound.
Not for telling who speaks or what is said, and not where a wrong count could harm somebody.

## Files

{files}

The models run on {runtime} {runtime_version} or later with {backend}. `vectors.bin` holds inputs
with expected outputs, `manifest.json` everything on this page as data.

## Metrics

On the labelled validation clips, measured with these very files, with 95 % bootstrap intervals:

| | level error | mean absolute error | exact accuracy | largest difference from torch |
|---|---|---|---|---|
{metrics}

Validation clips also chose the net and its temperature; for an unbiased figure run
`python -m deploy evaluate` on clips of readers that training never saw.
{int8_note}
## Costs

{costs}

## Training data

{training}

## Made by

ERSAM Kit {kit_version}, {created}, from the search with seed {seed}. Temperature {temperature:.3f}.
Licence of the weights: {licence}.
"""


def model_card(manifest: dict[str, Any]) -> str:
    """The card of a manifest (all fields but ``files``, which the card is one of)."""
    outputs, levels = manifest["outputs"], manifest["levels"]
    held = {name: value for name, value in manifest["precisions"].items() if value is not None}
    note = manifest["int8_reason"]
    return CARD.format(
        name=manifest["name"],
        params=manifest["costs"]["params"],
        rate_hz=manifest["rate_hz"],
        clip_samples=manifest["clip_samples"],
        outputs=f"{outputs[0]} to {outputs[-1]}",
        levels=_levels(levels["edges"], levels["names"], outputs[-1]),
        files="\n".join(f"- `{value['file']}`: {name}" for name, value in held.items()),
        runtime=manifest["runtime"]["name"],
        runtime_version=manifest["runtime"]["version"],
        backend=manifest["runtime"]["backend"],
        metrics="\n".join(_metrics_row(name, value) for name, value in held.items()),
        int8_note=f"\nNote: {note}.\n" if note else "",
        costs=_costs(manifest["costs"]),
        training=_training(manifest["training"]),
        kit_version=manifest["kit_version"],
        created=manifest["created"],
        seed=manifest["search"]["seed"],
        temperature=manifest["temperature"],
        licence=manifest["licence"],
    )


def _levels(edges: list[int], names: list[str], last: str) -> str:
    starts = [0, *edges]
    ends = [*(edge - 1 for edge in edges), int(last)]
    spans = (f"{a}" if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True))
    return ", ".join(f"{name} ({span})" for name, span in zip(names, spans, strict=True))


def _metrics_row(name: str, precision: dict[str, Any]) -> str:
    validation = precision["validation"]
    cells = (
        _estimate(validation["level_error"], 100, " %"),
        _estimate(validation["mae"], 1, ""),
        _estimate(validation["exact_accuracy"], 100, " %"),
        f"{precision['max_difference']:.1e}",
    )
    return f"| {name} | {' | '.join(cells)} |"


def _estimate(estimate: dict[str, Any], scale: float, unit: str) -> str:
    if estimate["value"] is None:
        return f"not measured: {estimate['reason']}"
    value, low, high = (scale * estimate[key] for key in ("value", "low", "high"))
    return f"{value:.2f}{unit} ({low:.2f} to {high:.2f}, {estimate['clips']} clips)"


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
    return str(value)
