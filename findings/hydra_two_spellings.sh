#!/usr/bin/env bash
# The same text is another value in a Hydra config file than on the command line.
#
# Versions:  hydra-core 1.3.8
# Guess:     seed=0123 on the command line does what `seed: 0123` in the file does.
# Behaviour: Files are YAML 1.1, overrides have a grammar of their own. 0123 is 83 (octal) in the file and
#            the text '0123' as an override; on and yes are True and texts; 1:30 is 90 and a text; 0x10 is
#            16 and a text.
# Matters:   A run that is repeated from its list of overrides, or an override that is moved into an
#            experiment file, is another run. Codes with leading zeros (a column, a fold, a ZIP code to
#            leave out) become other numbers.
# Source:    https://hydra.cc/docs/advanced/override_grammar/basic/ (the grammar of overrides)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-hydra-core==1.3.8}
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
import importlib.metadata
import pathlib
import sys

from hydra import compose, initialize_config_dir

print("hydra-core", importlib.metadata.version("hydra-core"), "omegaconf", importlib.metadata.version("omegaconf"))
texts = ["0123", "on", "yes", "1:30", "0x10", "1e-3", "1_000"]
folder = pathlib.Path("conf").absolute()
folder.mkdir()
(folder / "file.yaml").write_text("".join(f"v{place}: {text}\n" for place, text in enumerate(texts)))
(folder / "empty.yaml").write_text("{}\n")
with initialize_config_dir(str(folder), version_base="1.3"):
    in_file = compose("file")
    typed = compose("empty", [f"+v{place}={text}" for place, text in enumerate(texts)])

print(f"{'text':>6}   in the file      as an override   (guess: the same)")
for place, text in enumerate(texts):
    print(f"{text:>6}   {in_file[f'v{place}']!r:<15}  {typed[f'v{place}']!r}")
as_stated = list(in_file.values()) == [83, True, True, 90, 16, 0.001, 1000] and list(typed.values()) == [
    "0123",
    "on",
    "yes",
    "1:30",
    "0x10",
    0.001,
    1000,
]
sys.exit(0 if as_stated else "no longer as stated")
EOF
