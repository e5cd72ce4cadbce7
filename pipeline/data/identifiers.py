"""Column names where only identifiers are allowed."""

import keyword
import re


def identifiers(names: list[str]) -> list[str]:
    """A valid and distinct argument name for each column: `Wall Area` becomes `Wall_Area`.

    TensorFlow compares them without regard to case in places, so `a` and `A` are told apart by a number too; and it
    calls a signature's function with them, so none may be `self` or a word of Python.
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
