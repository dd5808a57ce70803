"""How often the intervals of learned numbers hold what is planted.

.venv/bin/python tests/python/bench/planted.py 100
"""

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from intent.calibrate.fitting import FREEST, fit, learnable
from intent.calibrate.model import Kind
from planted import plant, true_numbers


def main(worlds: int) -> None:
    """Print the share of intervals that hold the truth, by kind of number."""
    held: dict[Kind, list[bool]] = defaultdict(list)
    for seed in range(1000, 1000 + worlds):
        world = plant(np.random.default_rng(seed), contacts=1500, midnights=6, off=0.5)
        numbers = learnable(world.present, world.sample)
        free = fit(world.present, world.sample, numbers, FREEST)
        truth = true_numbers(world, numbers, free.mean_score)
        for number, low, high, true in zip(
            numbers, free.low, free.high, truth, strict=True
        ):
            ends = sorted((number.outer(low), number.outer(high)))
            held[number.kind].append(bool(ends[0] <= true <= ends[1]))
    for kind, found in held.items():
        print(f"{kind}: {np.mean(found):.1%} of {len(found)} intervals hold the truth")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
