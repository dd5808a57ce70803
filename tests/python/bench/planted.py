"""How often the intervals of learned numbers hold what is planted.

.venv/bin/python tests/python/bench/planted.py 100
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from intent.calibrate.model import Kind
from planted import covered, plant


def main(worlds: int) -> None:
    """Print the share of intervals that hold the truth, by kind of number."""
    for capped in (False, True):
        print("with caps" if capped else "without caps")
        found = [
            each
            for seed in range(1000, 1000 + worlds)
            for each in covered(
                plant(
                    np.random.default_rng(seed),
                    contacts=1500,
                    midnights=6,
                    off=0.5,
                    capped=capped,
                )
            )
        ]
        for kind in Kind:
            told = [each for each in found if each.kind is kind]
            if told:
                some = [each.holds for each in told if not each.is_any]
                print(
                    f"  {kind}: {np.mean([each.holds for each in told]):.1%} of "
                    f"{len(told)} intervals hold the truth; {np.mean(some):.1%} of the "
                    f"{len(some)} that are less than all that is looked at"
                )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
