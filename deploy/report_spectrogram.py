"""A recording's spectrogram for the report, which stays on this machine as the recording does.

Letters: T samples, F frequencies, L frames.
"""

from __future__ import annotations

import io

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from deploy.report_svg import Chart, linear_axis
from lightning_modules.audio import PCM16_SCALE
from search_spaces.clip import SAMPLE_RATE_HZ

WINDOW_SAMPLES, HOP_SAMPLES = SAMPLE_RATE_HZ // 40, SAMPLE_RATE_HZ // 100  # 25 and 10 ms
DYNAMIC_DB = 70.0  # below the loudest point: what is fainter is black
MOST_FRAMES = 400  # of a picture; frames of longer recordings are averaged


def spectrogram_db(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    """Power in dB below the loudest point, at least ``-DYNAMIC_DB``: int16 [T] to [F, L]."""
    sound = samples.astype(np.float64) / PCM16_SCALE
    padded = np.pad(sound, (0, max(0, WINDOW_SAMPLES - len(sound))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW_SAMPLES)[::HOP_SAMPLES]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(WINDOW_SAMPLES), axis=1)))
    if len(power) > MOST_FRAMES:
        edges = np.linspace(0, len(power), MOST_FRAMES, endpoint=False).astype(np.int64)
        power = np.add.reduceat(power, edges) / np.diff([*edges, len(power)])[:, None]
    loudest = max(float(power.max()), 1e-12)
    return 10 * np.log10(np.maximum(power.T / loudest, 10 ** (-DYNAMIC_DB / 10)))


def spectrogram_svg(samples: NDArray[np.int16], alt: str) -> Markup:
    """The spectrogram of int16 [T] at 16 kHz, as a picture within an SVG with its axes."""
    from matplotlib.image import imsave

    png = io.BytesIO()
    power_db = spectrogram_db(samples)
    imsave(
        png,
        power_db,
        vmin=-DYNAMIC_DB,
        vmax=0.0,
        cmap="magma",
        origin="lower",
        format="png",
    )
    seconds, highest_khz = len(samples) / SAMPLE_RATE_HZ, SAMPLE_RATE_HZ / 2000
    x, y = linear_axis("time (s)", [seconds]), linear_axis("frequency (kHz)", [highest_khz])
    chart = Chart(x, y)
    chart.image(png.getvalue(), seconds, highest_khz)
    return chart.svg(alt)
