#!/usr/bin/env bash
# A job that calls sys.exit(0) ends the whole Hydra multirun, which then reports success.
#
# Versions:  hydra-core 1.3.8
# Guess:     A job that ends early, well or badly, is one job: since 1.1 the launcher goes on after a job
#            that raises.
# Behaviour: SystemExit is no Exception, so it passes through the launcher: of three jobs the third is
#            announced by count, never started, and the command's exit code is 0.
# Matters:   Training scripts exit early on purpose ("already trained", "nothing to do", argparse's --help).
#            One such job makes a sweep of a hundred stop at that place, and a scheduler sees a finished
#            sweep.
# Source:    https://github.com/hydra-ecosystem/hydra/pull/1465 (partial failures; SystemExit is not named)
#            and .../issues/351 (exit codes)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-hydra-core==1.3.8}
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
import pathlib
import subprocess
import sys

import hydra

print("hydra-core", hydra.__version__)
pathlib.Path("job.py").write_text("""
import sys
import hydra

@hydra.main(version_base="1.3", config_path=None)
def job(config):
    print("start", config.x, flush=True)
    if config.x == 2:
        how = config.how
        if how == "exit":
            sys.exit(0)
        raise ValueError("a bad job")
    print("end", config.x, flush=True)

job()
""")
seen = {}
for how in ("raise", "exit"):
    done = subprocess.run([sys.executable, "job.py", "-m", f"+how={how}", "+x=1,2,3"], capture_output=True, text=True)
    seen[how] = ([line for line in done.stdout.splitlines() if line.startswith("start")], done.returncode)
    print(f"x=2 ends by {how}: started {seen[how][0]}, exit code {seen[how][1]}")
print("guess: three jobs started either way")
as_stated = seen == {"raise": (["start 1", "start 2", "start 3"], 1), "exit": (["start 1", "start 2"], 0)}
sys.exit(0 if as_stated else "no longer as stated")
EOF
