"""Columns on which scalings and encodings usually break, and tables of them."""

from datetime import UTC, datetime, timedelta

import numpy as np

from pipeline.data.reading.raw_columns import RawColumn, TextArray

RNG = np.random.default_rng(0)
NORMAL, LOGNORMAL = RNG.normal(5, 3, 2000), RNG.lognormal(size=2000)
COLUMNS = {
    "normal": NORMAL,
    "lognormal": LOGNORMAL,
    "constant": np.full(50, 0.1),
    "two_values": np.repeat([0.0, 1.0], [700, 300]),
    "extreme": np.append(NORMAL, 1e300),
    "extremes_on_both_sides": np.append(NORMAL, [-4e307, 4e307]),
    "tiny_width": NORMAL * 1e-12,
    "tiniest_width": NORMAL * 1e-300,
    "huge_offset": 1.7e9 + RNG.uniform(-1, 1, 1000),
    "timestamps": 1.7e9 + 1e8 * RNG.beta(5, 1, 1000),
    "ties": np.append(np.zeros(1800), LOGNORMAL[:200]),
    "prices": np.round(1e5 * LOGNORMAL, -2),
    "one_row": np.array([3.0]),
    "two_rows": np.array([3.0, -4.0]),
    "years": RNG.integers(1950, 2025, 300).astype(float),
    "negative": -LOGNORMAL,
    "both_signs": NORMAL**3,
}  # fmt: skip
TARGETS = np.stack([LOGNORMAL, 1e5 * LOGNORMAL[::-1], NORMAL], axis=1)


def of_every_kind(n: int = 60) -> dict[str, RawColumn]:
    """A column of every kind, with gaps."""
    rng = np.random.default_rng(0)
    day = datetime(2023, 12, 25, 22, tzinfo=UTC)
    found = {
        "number": rng.lognormal(2, 1, n),
        "code": rng.integers(1, 4, n).astype(float),
        "flag": rng.integers(0, 2, n).astype(float),
        "town": TextArray(rng.integers(0, 4, n), np.array(["Köln", "Bern", "", "naïve 東京"], object)),
        "when": TextArray.of(
            [(day + timedelta(hours=7 * k)).strftime("%Y-%m-%d %H:%M:%S") for k in range(n) if k != 7] + [""]
        ),
    }
    found["number"][3] = found["flag"][5] = np.nan
    return found


def never_seen(given: dict[str, RawColumn]) -> dict[str, RawColumn]:
    """Other rows: gaps, unseen categories, dates that are none, and numbers far away."""
    return {
        "number": np.array([np.nan, 1e30, -1e30, 0.0, 5.0, given["number"][0]]),
        "code": np.array([np.nan, 2.0, 99.0, 1.5, 1.0, 3.0]),
        "flag": np.array([np.nan, 1.0, 0.0, 2.0, 1.0, 0.0]),
        "town": TextArray.of(["", "Köln", "Paris", "\N{GRINNING FACE}" * 40, "naïve 東京", "bern"]),
        "when": TextArray.of(["", "1999-02-29", "2024-02-29T23:59:59", "soon", "0001-01-01", "2100-12-31 00:00"]),
    }


def at_the_ends_of_float64() -> dict[str, RawColumn]:
    """TensorFlow takes numbers below 2e-308 for 0, also the reciprocals by which its graphs divide."""
    ends = np.array([1.7e308, -1.7e308, 1e308, 0.0, -1.0, np.nan, 1e300, -1.6e308])
    return {
        "wide": np.tile(ends, 5),
        "high": np.tile([1e308, 1.1e308, 1.2e308, np.nan], 10),
        "tiny": np.tile([0.0, 5e-324, 2e-309, 1e-308, np.nan], 8),
        "knots": np.tile([0.0, 5e-324, 1e-300, 1.0, 3.0], 8),
    }
