"""Numbers and dates in text that is not read by itself: fractions, quarters, weeks, other digits, several units."""

import re
import shlex
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from pipeline import DataError, data, load
from pipeline.config.rules import Data
from pipeline.data.reading.unread import unread_as

pytestmark = pytest.mark.slow

N = 60
COUNTS = np.random.default_rng(0).permutation(N)
WEEKS = [date(2019, 1, 7) + timedelta(weeks=number) for number in range(N)]
ARABIC = str.maketrans("0123456789.,", "\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669\u066b\u066c")
FULL_WIDTH = str.maketrans({str(digit): chr(0xFF10 + digit) for digit in range(10)})

READ = {  # how a column is written, the format that reads it, and what it then is
    "No.": ([f"No. {n}" for n in COUNTS], "No.1.5", COUNTS),
    "Nr.": ([f"Nr {n}" for n in COUNTS], "Nr1.5", COUNTS),
    "about": ([f"ca. {n}" if n % 2 else str(n) for n in COUNTS], "ca.1.5", COUNTS),
    "grades": ([f"Level {n}" for n in COUNTS], "Level1.5", COUNTS),
    "Arabic digits": ([str(n).translate(ARABIC) for n in COUNTS], "1.5", COUNTS),
    "Arabic marks": ([f"{n * 1000 + 0.25:,}".translate(ARABIC) for n in COUNTS], "1,234.5", COUNTS * 1000 + 0.25),
    "full width": ([str(n).translate(FULL_WIDTH) for n in COUNTS], "1.5", COUNTS),
    "weeks": ([f"{day:%G-W%V}" for day in WEEKS], "%G-W%V", [f"{day}T00:00:00" for day in WEEKS]),
    "weeks without dash": ([f"{day:%GW%V}" for day in WEEKS], "%GW%V", [f"{day}T00:00:00" for day in WEEKS]),
    "weeks in front": ([f"{day:KW %V/%G}" for day in WEEKS], "KW %V/%G", [f"{day}T00:00:00" for day in WEEKS]),
    "days of weeks": ([f"{day:%G-W%V-%u}" for day in WEEKS], "%G-W%V-%u", [f"{day}T00:00:00" for day in WEEKS]),
    "Arabic dates": ([f"{day:%d/%m/%Y}".translate(ARABIC) for day in WEEKS], "%d/%m/%Y",
                     [f"{day}T00:00:00" for day in WEEKS]),
    "parts of seconds": ([f"{day:%d/%m/%y} 09:15:30.{n:03}" for n, day in enumerate(WEEKS)], "%d/%m/%y %H:%M:%S.%f",
                         [f"{day}T09:15:30" for day in WEEKS]),
}  # fmt: skip
TOLD = {  # how a column is written, and what to write instead
    "fractions": ([f"{n}/{n + 7}" for n in COUNTS], "0.5"),
    "mixed fractions": ([f"{n} 1/2" if n % 2 else str(n) for n in COUNTS], "0.5"),
    "signs of fractions": ([f"{n}\u00bd" for n in COUNTS], "0.5"),
    "feet and inches": ([f"{4 + n // 12} ft {n % 12} in" for n in range(N)], "one unit"),
    "quotes": ([f"{4 + n // 12}'{n % 12}\"" for n in range(N)], "one unit"),
    "hours and minutes": ([f"{n // 7}h {n}m" if n > 6 else f"{n} min" for n in range(N)], "one unit"),
    "two units": ([f"{n} kg" if n % 2 else f"{n} lb" for n in range(N)], "one unit"),
    "degrees": ([f"{n}\u00b0{n}'12\"N" for n in range(N)], "one unit"),
    "days of pandas": ([f"{n} days 04:05:06" for n in range(N)], "in seconds"),
    "long clocks": ([f"{n * 7}:{n:02}" for n in range(N)], "in seconds"),
    "ISO lengths": ([f"P{n}DT5M" for n in range(N)], "in seconds"),
    "thousands by letter": ([f"${n}.5K" if n % 2 else f"${n}M" for n in range(N)], "1200"),
    "bytes": ([f"{n} KB" if n % 2 else f"{n} MB" for n in range(N)], "1200"),
    "ordinals": ([f"{n}{'st' if n % 10 == 1 else 'nd' if n % 10 == 2 else 'th'}" for n in range(3, N)], "digits alone"),
    "hexadecimal": ([f"0x{n * 37:02X}" for n in COUNTS], "31 for 0x1F"),
    "binary": ([f"0b{n:b}" for n in COUNTS], "31 for 0x1F"),
    "powers of ten": ([f"{n}.5x10^{n % 5}" for n in COUNTS], "1.5e3"),
    "raised powers": ([f"{n}.5\u00d710\u00b2" if n % 2 else f"{n}.5\u00d710\u00b3" for n in COUNTS], "1.5e3"),
    "bounds": ([f"<{n}" if n % 2 else f">{n}" for n in COUNTS], "the bound"),
    "errors": ([f"{n} \u00b1 0.5" for n in COUNTS], "each in its own column"),
    "lists": ([f"[{n}, {n + 1}]" for n in COUNTS], "each in its own column"),
    "quarters": ([f"Q{1 + n % 4} {2000 + n // 4}" for n in range(N)], "2019-01-01"),
    "quarters behind": ([f"{2000 + n // 4}-Q{1 + n % 4}" for n in range(N)], "2019-01-01"),
    "quarters, short": ([f"{1 + n % 4}Q{10 + n // 4}" for n in range(N)], "2019-01-01"),
    "halves": ([f"{2000 + n // 2}H{1 + n % 2}" for n in range(N)], "2019-01-01"),
    "dates of two ways": ([f"{day:%Y-%m-%d}" if day.day % 2 else f"{day:%d/%m/%Y}" for day in WEEKS], "2019-01-31"),
}  # fmt: skip
NONE = {
    "seats": [f"{n}{'ABCDEF'[n % 6]}" for n in range(N)],
    "codes": [f"A{n}" for n in range(N)],
    "tickets": [f"PC {1000 + n}" for n in range(N)],
    "addresses": [f"192.168.{n}.1" for n in range(N)],
    "ranges": [f"{n}-{n + 5}" for n in range(N)],
    "telephones": [f"{100 + n}-555-{1000 + n}" for n in range(N)],
    "versions": [f"{n}.{n + 1}.7" for n in range(N)],
    "streets": [f"{n} Main Street" if n % 2 else f"{n} High Street" for n in range(N)],
    "hashes": [f"{n * 7919 + 10**9:x}" for n in range(N)],
    "names of stores": [f"Store {n}" for n in range(N)],
    "codes with letters within": [f"{n}{'QXZ'[n % 3]}{n + 3}" for n in range(N)],
    "dates": [f"{day} 12:30:15.250" for day in WEEKS],
    "few": ["1/2", "1/3", "1/4"] * (N // 3),
    "postal codes": [f"0{n}123" for n in range(N)],
}


def configured(path: Path, *keys: str) -> Data:
    return load("data=plain_table", f"data.path='{path}'", "data.target=y", *keys).data


def written(table: Callable[..., Path], **columns: object) -> Path:
    return table(**{"x": np.arange(N) / 7, "y": np.arange(N) / 3} | columns)


def pasted(text: str, key: str) -> list[str]:
    found = re.findall(rf"""(['"])(data\.{key}=\{{.*?\}})\1""", text)
    return [shlex.split(quote + word + quote)[0] for quote, word in found]


@pytest.mark.parametrize("streaming", ["off", "on"])
@pytest.mark.parametrize(("texts", "example", "expected"), READ.values(), ids=READ)
def test_what_a_format_reads_is_reported_with_it(
    table: Callable[..., Path],
    caplog: pytest.LogCaptureFixture,
    texts: list[str],
    example: str,
    expected: list[object],
    streaming: str,
) -> None:
    path = written(table, a=texts)
    data.load(configured(path, f"data.streaming={streaming}"))
    (key,) = pasted(caplog.text, "column_formats")
    config = configured(path, f"data.streaming={streaming}", key)
    assert config.column_formats == {"a": example}
    caplog.clear()
    loaded = data.load(config)
    assert set(loaded.rows.inputs["a"]) == set(expected)
    assert not pasted(caplog.text, "column_formats")
    assert loaded.fit(config).inputs.kinds["a"] == ("date" if isinstance(expected[0], str) else "numeric")


@pytest.mark.parametrize("streaming", ["off", "on"])
@pytest.mark.parametrize(("texts", "remedy"), TOLD.values(), ids=TOLD)
def test_what_no_format_reads_is_reported_with_what_to_write(
    table: Callable[..., Path], caplog: pytest.LogCaptureFixture, texts: list[str], remedy: str, streaming: str
) -> None:
    path = written(table, **{"Wall Area (m)": np.resize(texts, N)})
    data.load(configured(path, f"data.streaming={streaming}", "data.column_kinds={x: numeric}"))
    (line,) = caplog.messages
    assert line.startswith("column 'Wall Area (m)' holds ")
    assert "and is taken for categories" in line
    assert remedy in line
    assert "data.drop" not in line
    (key,) = pasted(line, "column_kinds")
    caplog.clear()
    config = configured(path, f"data.streaming={streaming}", key)
    assert config.column_kinds == {"x": "numeric", "Wall Area (m)": "category"}
    data.load(config)
    assert not caplog.text


@pytest.mark.parametrize("streaming", ["off", "on"])
@pytest.mark.parametrize("texts", NONE.values(), ids=NONE)
def test_what_says_no_number_is_not_reported(
    table: Callable[..., Path], caplog: pytest.LogCaptureFixture, texts: list[str], streaming: str
) -> None:
    data.load(configured(written(table, t=texts), f"data.streaming={streaming}"))
    assert not caplog.text


@pytest.mark.parametrize("kind", ["fractions", "feet and inches", "ordinals", "hexadecimal", "bytes"])
def test_as_a_target_such_numbers_are_refused(table: Callable[..., Path], kind: str) -> None:
    texts, remedy = TOLD[kind]
    path = written(table, y=np.resize(texts, N))
    with pytest.raises(DataError, match=rf"data.target: 'y' holds .*{re.escape(remedy)}") as error:
        data.load(configured(path))
    assert "column_formats" not in str(error.value)
    with pytest.raises(DataError, match=re.escape(remedy)):
        data.load(configured(path, "data.task=regression"))


def test_quarters_may_be_classes(table: Callable[..., Path]) -> None:
    texts = np.repeat(TOLD["quarters"][0][:12], 50)
    target = data.load(configured(table(x=np.arange(600) / 7, y=texts))).rows.target
    assert len(target.classes) == 12


def test_a_column_of_such_numbers_is_neither_dropped_nor_called_to_be(table: Callable[..., Path]) -> None:
    path = written(table, a=TOLD["fractions"][0], id=[f"id{number}" for number in range(N)])
    config = configured(path, "data.drop_useless=true")
    assert list(data.without_useless(data.load(config), config).rows.inputs) == ["x", "a"]
    config = configured(path, "data.column_kinds={a: category}")
    loaded = data.load(config)
    with pytest.raises(DataError, match=r"column 'a' has a different value in every row.*write .*0\.5") as error:
        loaded.fit(config)
    assert "data.drop" not in str(error.value)


def test_a_week_without_its_day_is_not_a_format(table: Callable[..., Path]) -> None:
    """Python reads %Y-%W as the first of January, whatever the week."""
    path = written(table, a=[f"{day:%Y-%W}" for day in WEEKS])
    with pytest.raises(DataError, match=r"data.column_formats: a: '%Y-%W' .* a week .*%G-W%V"):
        data.load(configured(path, 'data.column_formats={a: "%Y-%W"}'))
    path = written(table, a=[f"{day:%Y-%W-%w}" for day in WEEKS])
    loaded = data.load(configured(path, 'data.column_formats={a: "%Y-%W-%w"}'))
    assert set(loaded.rows.inputs["a"]) == {f"{day}T00:00:00" for day in WEEKS}


def test_a_format_reads_new_rows_in_other_digits_too() -> None:
    assert unread_as(np.array(["1/2", "0.5", "2/3", *(f"{n}/9" for n in range(20))], object)) is not None
    assert unread_as(np.array([f"{n}" for n in range(20)], object)) is None
