"""Exports in processes that know nothing of this package."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.mark.slow
def test_saved_model_needs_tensorflow_alone(untrained: Callable[..., Path], tmp_path: Path) -> None:
    folder = untrained(tmp_path / "m", "data=iris")
    code = (
        "import sys; sys.modules['pipeline'] = sys.modules['keras'] = None\n"  # importing either is an error now
        "import tensorflow as tf\n"
        f"model = tf.saved_model.load({str(folder)!r})\n"
        "names = ['sepal length (cm)', 'sepal width (cm)', 'petal length (cm)', 'petal width (cm)']\n"
        "print(model.serve({name: tf.constant([5.0], tf.float64) for name in names})['label'].numpy())"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("[b'")
