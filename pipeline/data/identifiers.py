"""Identifiers for column names, where nothing else is allowed."""

import keyword
import re


def identifiers(names: list[str]) -> list[str]:
    """A valid and distinct argument name for each column: `Wall Area` becomes `Wall_Area`.

    In places TensorFlow ignores case, so a number distinguishes `a` from `A`. It also calls a signature's function
    with these names, so none may be `self` or a keyword of Python.
    """
    taken: set[str] = set()
    result = []
    for name in names:
        base = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "column"
        base = base if base[0].isalpha() and not keyword.iskeyword(base) and base != "self" else f"column_{base}"
        identifier, number = base, 2
        while identifier.lower() in taken:
            identifier, number = f"{base}_{number}", number + 1
        taken.add(identifier.lower())
        result.append(identifier)
    return result
