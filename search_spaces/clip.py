"""What a clip and a count are, everywhere in the kit (docs: social ambiance, precisely)."""

from __future__ import annotations

SAMPLE_RATE_HZ = 16_000
CLIP_SECONDS = 5.0
CLIP_SAMPLES = int(SAMPLE_RATE_HZ * CLIP_SECONDS)  # 80 000
MAX_COUNT = 10
NUM_COUNTS = MAX_COUNT + 1  # a count is 0..10
