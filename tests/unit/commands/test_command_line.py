"""Every command: its help, its mistakes, and how it ends."""

import importlib
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import pipeline
from pipeline.commands import COMMANDS
from pipeline.commands.ending import ends_tidily, tells_how_to_resume
from pipeline.config import as_hydra_takes, only_shows
from pipeline.errors import DataError, UsageError
from pipeline.runtime import program as program_module
from pipeline.runtime.program import program, stored_program
from pipeline.runtime.signals import HungUp, Terminated
from support.places import ROOT
from support.typed import Typed

WITH_PARSER = [name for name in COMMANDS if name not in ("train", "sweep", "tune")]  # whose words are Hydra's


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]], ids=str)
def test_help_lists_every_command(typed: Typed, words: list[str]) -> None:
    code, out, err = typed(*words)
    assert (code, err) == (0, "")
    assert [name for name, about in COMMANDS.items() if f"  {name:10}{about}\n" not in out] == []


@pytest.mark.parametrize("command", WITH_PARSER)
def test_each_command_has_its_help(typed: Typed, command: str) -> None:
    code, out, err = typed(command, "--help")
    assert (code, err) == (0, "")
    assert f"usage: python -m pipeline {command} [-h]" in out
    assert COMMANDS[command] in out
    assert "%(prog)s" not in out
    assert typed("help", command) == (0, out, "")


@pytest.mark.parametrize("command", WITH_PARSER)
def test_a_wrong_option_is_reported_with_the_nearest(typed: Typed, command: str) -> None:
    parser = importlib.import_module(f"pipeline.commands.{command}").parser()
    required = ["1" for action in parser._actions if not action.option_strings and action.required]
    option = max(parser._option_string_actions, key=len)  # --help has no others beside it in `version`
    code, out, err = typed(command, *required, option[:-1] + "_")
    assert (code, out) == (2, "")
    assert f"python -m pipeline {command}: error: unknown option {option[:-1]}_, did you mean '{option}'?" in err


def test_every_command_is_a_file_of_its_own_and_the_other_way_round() -> None:
    files = {path.stem for path in (ROOT / "pipeline" / "commands").glob("*.py")}
    assert files == {*COMMANDS, "__init__", "arguments", "ending", "show_result"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trian"], "unknown command 'trian', did you mean 'train'?"),
        (
            ["--nothing"],
            "unknown command '--nothing'; the commands are train, sweep, tune, study, compare, export",
        ),
        (["data=iris", "seed=1"], "a command comes first, as in python -m pipeline train data=iris"),
        (["predict", "m", "new.csv"], "the following arguments are required: OUTPUT"),
        (["predict", "m", "new.csv", "out.csv", "my", "file"], "unexpected argument 'my'; a value with a blank needs"),
        (["export", "m", "--format", "onxx"], "should be savedmodel, litert or onnx, got 'onxx', did you mean 'onnx'?"),
        (["compare", "--top", "0"], "should be a whole number of at least 1, got '0'"),
        (["ui", "70000"], "should be a whole number from 1 to 65535, got '70000'"),
        (["ui", "http"], "should be a whole number from 1 to 65535, got 'http'"),
        (["serve", "m", "--port", "-1"], "should be a whole number from 0 to 65535, got '-1'"),
        (["serve", "m", "--poll-seconds", "nan"], "should be a number of at least 0.1, got 'nan'"),
        (
            ["train", "README.md"],
            "README.md: is a file; train on it with data=table data.path=README.md data.target=COLUMN",
        ),
        (["train", "--multirn", "seed=0,1"], "unknown option --multirn, did you mean '--multirun'?"),
        (["train", "--cfg", "jobs"], "argument --cfg/-c: invalid choice: 'jobs'"),
        (["sweep", "--cfg", "job", "--info"], "--cfg and --info: use only one of them"),
        (["train", "--run", "-m"], "--run and --multirun: use only one of them"),
        (["train", "--resolve"], "--resolve: needs --cfg, as in --cfg job --resolve"),
        (["train", "--experimental-rerun", "x.pickle"], "python -m pipeline rerun RUN repeats a run"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_wrong_words_are_a_message_and_exit_code_2(typed: Typed, words: list[str], message: str) -> None:
    code, out, err = typed(*words)
    assert (code, out) == (2, "")
    assert message in err


@pytest.mark.parametrize("words", [["version"], ["--version"], ["-V"]], ids=str)
def test_version(typed: Typed, words: list[str]) -> None:
    assert typed(*words) == (0, f"dense-pipeline {pipeline.__version__}\n", "")
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", pipeline.__version__)


def test_what_is_shown_to_paste_works_where_it_was_called(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    on_path, elsewhere = tmp_path / "env" / "bin", tmp_path / "other env" / "bin"
    for folder in (on_path, elsewhere):
        folder.mkdir(parents=True)
        for name in ("python", "dense-pipeline"):
            (folder / name).touch(0o755)
    monkeypatch.setenv("PATH", str(on_path))
    for python, called, name in [
        (on_path / "python", on_path / "dense-pipeline", "dense-pipeline"),
        (on_path / "python", tmp_path / "pipeline" / "__main__.py", "python -m pipeline"),
        (elsewhere / "python", elsewhere / "dense-pipeline", "'other env/bin/dense-pipeline'"),
        (elsewhere / "python", tmp_path / "pipeline" / "__main__.py", "'other env/bin/python' -m pipeline"),
    ]:
        monkeypatch.setattr(sys, "executable", str(python))
        monkeypatch.setattr(sys, "argv", [str(called), "train"])
        assert program() == name
        monkeypatch.setattr(sys, "argv", [f"{program()} train", "data=iris"])  # which `train` gives Hydra
        assert program() == name
    monkeypatch.chdir(on_path)
    assert program() == f"'{elsewhere}/python' -m pipeline"


def test_stored_commands_name_no_path_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert stored_program() == "python -m pipeline"  # in a checkout
    (tmp_path / "conf").mkdir()  # where an installed wheel has it
    monkeypatch.setattr(program_module, "PACKAGE", tmp_path)
    assert stored_program() == "dense-pipeline"


def test_a_port_that_is_taken_is_a_message(typed: Typed, store: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, out, err = typed("ui", str(port), "--uri", store)
    assert (code, out) == (1, "")
    running = rf"if MLflow runs there already, open http://127\.0\.0\.1:{port}/#/experiments\S*, "
    another = r"else use another, as in python -m pipeline ui \d+"
    assert re.fullmatch(rf"port {port}: Address already in use; {running}{another}", err)


def test_what_takes_no_time_imports_nothing_that_does() -> None:
    code = (
        "import sys\nfrom pipeline.__main__ import main\n"
        "for words in (['--help'], ['version'], ['trian'], ['predict', '--help'], ['ui', 'x'], ['export', '-h']):\n"
        "    sys.argv[1:] = words\n"
        "    try: main()\n"
        "    except SystemExit: pass\n"
        "print([name for name in ('hydra', 'pydantic', 'numpy', 'tensorflow', 'mlflow') if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.splitlines()[-1] == "[]"


def test_mistakes_and_help_come_before_tensorflow_is_imported() -> None:
    code = (
        "import sys\nfrom pipeline.commands import train\n"
        "for word in ('fit.pateince=3', '--help'):\n"
        "    try: train.main([word])\n"
        "    except SystemExit as end: print('end:', end)\n"
        "print([name for name in ('tensorflow', 'keras', 'mlflow', 'sklearn') if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "end: fit.pateince: unknown key, did you mean 'fit.early_stopping.patience'?\n" in ended.stdout
    assert "  early_stopping:\n    patience: 10\n" in ended.stdout
    assert ended.stdout.splitlines()[-2:] == ["end: 0", "[]"]


WRONG = {
    ("train", "fit.pateince=3"): "fit.pateince: unknown key, did you mean 'fit.early_stopping.patience'?",
    ("train", "model=dens"): "model=dens: no such file, did you mean 'dense'?",
    ("train", "fit.epochs=x"): "fit.epochs: should be a valid integer, got 'x'",
    ("sweep", "fit.lerning_rate=0.1,1"): "fit.lerning_rate: unknown key, did you mean 'fit.learning_rate'?",
    ("sweep", "hydra/launcher=loacl"): "hydra/launcher=loacl: no such file, did you mean 'local'?",
    ("tune", "tune.mintes=3"): "tune.mintes: unknown key, did you mean 'tune.minutes'?",
    ("study", "widht"): "unknown study 'widht', did you mean 'width'?",
}


def test_a_mistake_in_a_key_imports_only_what_checks_it() -> None:
    code = (
        "import sys\nfrom pipeline.__main__ import main\n"
        f"for words in {list(WRONG)}:\n"
        "    sys.argv[1:] = words\n"
        "    try: main()\n"
        "    except SystemExit as end: print(end)\n"
        "slow = 'numpy', 'pandas', 'rich', 'tensorflow', 'mlflow', 'pipeline.sweep', 'pipeline.train'\n"
        "print([name for name in slow if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    *messages, slow = ended.stdout.splitlines()
    assert len(messages) == len(WRONG)
    assert [wanted for wanted, found in zip(WRONG.values(), messages, strict=True) if wanted not in found] == []
    assert slow == "[]"


@pytest.mark.parametrize("name", pipeline._FORMER)
def test_a_former_command_names_the_new_form(name: str) -> None:
    assert name in COMMANDS
    for module in ([f"pipeline.{name}"], ["-m", f"pipeline.{name}"], ["-W", "error", f"-mpipeline.{name}"]):
        with pytest.raises(SystemExit) as ended:
            pipeline._end_former_command(["-m", "a b", "-m"], ["python", *module, "a b", "-m"])
        assert ended.value.code == f"python -m pipeline.{name} is now: python -m pipeline {name} 'a b' -m"
    pipeline._end_former_command(["-m", f"pipeline.{name}"], ["python", "-m", "pipeline", f"pipeline.{name}"])
    pipeline._end_former_command(["run.py", f"pipeline.{name}"], ["python", "run.py", f"pipeline.{name}"])


def test_a_former_command_as_a_user_types_it() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "pipeline.predict", "best:iris", "new.csv"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "python -m pipeline.predict is now: python -m pipeline predict best:iris new.csv\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DataError("no rows"), "no rows"),
        (UsageError("no such word"), 2),
        (KeyboardInterrupt(), 128 + signal.SIGINT),
        (Terminated(), 128 + signal.SIGTERM),
        (HungUp(), 128 + signal.SIGHUP),
    ],
)
def test_how_commands_end(error: BaseException, code: str | int) -> None:
    with pytest.raises(SystemExit) as ended, ends_tidily():
        raise error
    assert ended.value.code == code


@pytest.mark.parametrize(
    ("words", "off", "again"),
    [
        (["data=iris"], [], "data=iris"),
        (["data=iris", "fit.resume=off", "seed=1"], ["fit.resume"], "data=iris seed=1 fit.resume=auto"),
        (["experiment=mine"], ["fit.resume", "sweep.resume"], "experiment=mine fit.resume=auto sweep.resume=auto"),
    ],
)
def test_the_printed_command_resumes_even_if_the_same_one_starts_over(
    words: list[str], off: list[str], again: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(KeyboardInterrupt), tells_how_to_resume("train", words, off):
        raise KeyboardInterrupt
    assert capsys.readouterr().out == f"resume with       {program()} train {again}\n"


def test_a_reader_that_has_enough_is_not_an_error() -> None:
    code = "from pipeline.commands.ending import ends_tidily\nwith ends_tidily(): print('row\\n' * 100_000)"
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60, check=False
    )
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (128 + signal.SIGPIPE, "")


def test_hydra_gets_its_options_first_and_only_what_it_can_do() -> None:
    words = ["data=iris", "--config-dir", "mine", "seed=0,1", "-m", "fit=sgd"]
    assert as_hydra_takes(words) == ["--config-dir", "mine", "-m", "data=iris", "seed=0,1", "fit=sgd"]
    assert as_hydra_takes(["--multirun", "seed=0,1", "--cfg", "job"]) == ["--cfg", "job", "seed=0,1"]
    assert not only_shows(words)
    assert only_shows(["seed=1", "-h"])


def test_words_of_a_run_and_its_options_stand_in_any_order() -> None:
    parser = importlib.import_module("pipeline.commands.rerun").parser()
    args = parser.read(["abc", "--uri", "sqlite:///a.db", "fit.epochs=3", "seed=1"])
    assert (args.run_id, args.overrides, args.uri) == ("abc", ["fit.epochs=3", "seed=1"], "sqlite:///a.db")


def test_public_names_are_there_and_a_misspelt_one_is_not() -> None:
    assert set(pipeline.__all__) <= set(dir(pipeline))
    light = set(pipeline.__all__) - {"LoadedModel", "load_model"}  # which import TensorFlow
    assert [name for name in light if not hasattr(pipeline, name)] == []
    assert isinstance(pipeline.load("data=iris"), pipeline.Config)
    with pytest.raises(AttributeError, match="module 'pipeline' has no attribute 'laod'"):
        pipeline.laod  # noqa: B018
