"""Where the project and the real data lie."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("PIPELINE_DATA", ROOT.parent / "shared" / "data"))
