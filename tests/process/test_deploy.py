"""The files of docs/deploy: started where Docker runs, and elsewhere read closely."""

import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from pipeline.commands import serve
from pipeline.train import Result
from support.docker_files import INSTRUCTIONS, instructions, needs_docker
from support.kinds import ROW
from support.places import ROOT
from support.servers import free_port, postgres
from support.serving import Client, wait_for

DEPLOY = ROOT / "docs" / "deploy"
DOCKERFILES = sorted(DEPLOY.glob("*.Dockerfile"))
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
FOLDER_OF_EXPORTS = "exports"  # which `make export` makes
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
# What the image has, of all that is installed here.
WITHOUT = """
import json, sys
from importlib.machinery import PathFinder

away = set(json.loads(sys.argv.pop(1)))

class Installed:
    @staticmethod
    def find_spec(name, path=None, target=None):
        return None if name.partition(".")[0] in away else PathFinder.find_spec(name, path, target)

sys.meta_path = [Installed if finder is PathFinder else finder for finder in sys.meta_path]
from pipeline.__main__ import main
main()
"""


def required() -> list[str]:
    lines = (DEPLOY / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [canonicalize_name(line) for line in lines if line and not line.startswith("#")]


def with_what_they_need(names: list[str]) -> set[str]:
    """Packages, and those that they require here."""
    found: set[str] = set()
    waiting = [Requirement(name) for name in names]
    while waiting:
        one = waiting.pop()
        key = canonicalize_name(one.name)
        extras = one.extras or {""}
        if one.marker and not one.marker.evaluate({"extra": ""}):
            continue
        if key in found and not one.extras:
            continue
        found.add(key)
        for line in requires(key) or []:
            needed = Requirement(line)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                needed.marker = None
                waiting.append(needed)
    return found


def interpolated(text: str, **given: str) -> str:
    """As Compose puts variables in; a wanted one that is not given is an error."""

    def value(found: re.Match[str]) -> str:
        name, kind, default = found.groups()
        return given[name] if name in given or kind == "?" else default or ""

    return VARIABLE.sub(value, text)


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_instructions_are_known_and_what_they_copy_is_there_and_sent(path: Path) -> None:
    found = instructions(path)
    assert found[0].name == "FROM"
    assert {one.name for one in found} <= INSTRUCTIONS
    user = [one.text for one in found if one.name == "USER"]
    assert user, "it runs as root"
    assert user[-1].split(":")[0] not in ("0", "root")
    ignored = (DEPLOY / f"{path.name}.dockerignore").read_text(encoding="utf-8").splitlines()
    sent = {line[1:] for line in ignored if line.startswith("!")}
    copied = {word for one in found if one.name == "COPY" for word in one.words[:-1]}
    assert ignored[1] == "*"
    assert {source.partition("/${")[0] for source in copied} == sent
    assert [source for source in sent - {FOLDER_OF_EXPORTS} if not (ROOT / source).exists()] == []


def test_the_package_is_built_of_what_is_copied() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    copied = {word for one in instructions(DEPLOY / "serve.Dockerfile") if one.name == "COPY" for word in one.words}
    python = next(one.text for one in instructions(DEPLOY / "serve.Dockerfile") if one.name == "FROM")
    assert SpecifierSet(project["project"]["requires-python"]).contains(re.findall(r"python:([\d.]+)", python)[0])
    assert {project["project"]["readme"], *wheel["packages"], *wheel["force-include"]} < copied


def test_nothing_names_where_packages_come_from() -> None:
    for path in [one for one in DEPLOY.iterdir() if one.suffix != ".md"]:
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"https?://(?!127\.0\.0\.1[:/])\S+", text) == [], path.name
        assert re.findall(r"(?:index-url|find-links|trusted-host)", text) == [], path.name


def test_requirements_are_the_projects_and_have_tested_versions() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    known = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}
    pinned = {
        canonicalize_name(line.partition("==")[0]) for line in (ROOT / "constraints.txt").read_text().splitlines()
    }
    assert set(required()) <= known
    assert {*required(), "mlflow", "psycopg2-binary"} <= pinned
    tracking = {"mlflow", "mlflow-skinny", "optuna", "cmaes", "matplotlib", "sqlalchemy", "alembic", "ray", "submitit"}
    assert with_what_they_need(required()) & tracking == set()


def test_the_command_line_in_the_image_is_one_that_serve_takes() -> None:
    entry = next(one.words for one in instructions(DEPLOY / "serve.Dockerfile") if one.name == "ENTRYPOINT")
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert entry[0] in scripts
    assert entry[1] == "serve"
    args = serve.parser().read(entry[2:])
    exposed = next(one.text for one in instructions(DEPLOY / "serve.Dockerfile") if one.name == "EXPOSE")
    assert (args.model, args.host, args.port) == ("/model", "0.0.0.0", int(exposed))


def mlflow_words(password: str) -> list[str]:
    """What starts MLflow's server in its container."""
    entry = next(one.words for one in instructions(DEPLOY / "mlflow.Dockerfile") if one.name == "ENTRYPOINT")
    given = COMPOSE["services"]["mlflow"]["command"]
    return [*entry, *(interpolated(word, MLFLOW_DATABASE_PASSWORD=password) for word in given)]


def test_compose_names_what_there_is() -> None:
    services = COMPOSE["services"]
    assert set(services) == {"database", "mlflow", "serve"}
    for name, service in services.items():
        assert ("image" in service) != ("build" in service), name
        if "build" in service:
            context = (DEPLOY / service["build"]["context"]).resolve()
            assert context == ROOT
            assert (context / service["build"]["dockerfile"]) in DOCKERFILES
            arguments = {
                one.text for one in instructions(context / service["build"]["dockerfile"]) if one.name == "ARG"
            }
            assert set(service["build"].get("args", {})) == arguments
        assert set(service.get("depends_on", {})) <= set(services)
        volumes = {volume.partition(":")[0] for volume in service.get("volumes", ())}
        assert volumes <= set(COMPOSE["volumes"])
        for port in service.get("ports", ()):  # to this machine alone, unless one says otherwise
            assert interpolated(port).startswith("127.0.0.1:")
    page = (DEPLOY / "README.md").read_text(encoding="utf-8")
    names = {name for name, _, _ in VARIABLE.findall((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))}
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []


def test_mlflow_knows_the_options_that_compose_gives_it() -> None:
    from mlflow.cli import cli

    _, command, *words = mlflow_words("secret")
    known = {name for parameter in cli.commands[command].params for name in parameter.opts}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known


@pytest.mark.slow
def test_mlflow_starts_by_that_command_over_postgres(tmp_path: Path) -> None:
    port = free_port()
    with postgres() as database:
        replaced = {
            "postgresql+psycopg2://mlflow:secret@database/mlflow": database,
            "=/artifacts": f"={tmp_path}", "0.0.0.0": "127.0.0.1", "5000": str(port),
        }  # fmt: skip
        line = shlex.join(mlflow_words("secret")[1:])
        for before, after in replaced.items():
            assert before in line
            line = line.replace(before, after)
        with started([sys.executable, "-m", "mlflow", *shlex.split(line)], MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false"):
            client = Client(port)
            wait_for(lambda: answers(client, "/health"), seconds=90)
            asked = "/api/2.0/mlflow/experiments/get?experiment_id=0"
            assert client.get(asked).json["experiment"]["artifact_location"].startswith("mlflow-artifacts:/")
            assert client.get(asked, Host="mlflow:5000").status == 200  # as other containers call it
            assert client.get(asked, Host="elsewhere.example").status == 403


def answers(client: Client, path: str) -> bool:
    with contextlib.suppress(OSError):
        return client.get(path).status == 200
    return False


@contextlib.contextmanager
def started(words: list[str], folder: Path = ROOT, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """A process with its children, until the end of the block."""
    with subprocess.Popen(
        words, cwd=folder, env=os.environ | variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)


@pytest.fixture
def exported(run_of_kinds: Result, tmp_path: Path) -> Path:
    """An export as `make export` lays it out."""
    shutil.copytree(run_of_kinds.model_path, tmp_path / "exports" / "kinds" / "1")
    return tmp_path / "exports" / "kinds"


@pytest.mark.slow
def test_the_packages_of_the_image_are_enough(exported: Path) -> None:
    """Everything else that is installed here cannot be imported, as it cannot there."""
    there = with_what_they_need(required()) | {"dense-pipeline"}
    away = [
        module
        for module, owners in packages_distributions().items()
        if not any(canonicalize_name(owner) in there for owner in owners)
    ]
    assert {"mlflow", "optuna", "matplotlib", "sqlalchemy"} <= set(away)
    port = free_port()
    words = [sys.executable, "-c", WITHOUT, json.dumps(away), "serve", str(exported), "--port", str(port)]
    with started(words, exported.parent, PYTHONPATH=str(ROOT)) as process:
        client = Client(port)
        wait_for(lambda: process.poll() is not None or answers(client, "/health"), seconds=90)
        assert process.poll() is None, process.communicate()[0]
        assert client.get("/version").json["model"] == "kinds"
        for path in ("/docs", "/openapi.json", "/metrics", "/v1/models/kinds/metadata"):
            assert client.get(path).status == 200
        answer = client.post("/invocations", {"instances": [ROW]})
        assert (answer.status, len(answer.json["predictions"])) == (200, 1)


@pytest.mark.slow
def test_the_image_serves(exported: Path, tmp_path: Path) -> None:
    needs_docker("buildx")
    for name in ("pyproject.toml", "README.md", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("pipeline", "conf", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name)
    tag, port = "dense-pipeline-serve-test", free_port()
    build = [
        "docker",
        "build",
        "--file",
        "docs/deploy/serve.Dockerfile",
        "--build-arg",
        "MODEL=kinds",
        "--tag",
        tag,
        ".",
    ]
    subprocess.run(build, cwd=tmp_path, check=True, timeout=1800)
    run = ["docker", "run", "--detach", "--rm", "--read-only", "--tmpfs", "/tmp", "-p", f"127.0.0.1:{port}:8080", tag]
    container = subprocess.run(run, check=True, capture_output=True, text=True, timeout=120).stdout.strip()
    try:
        client = Client(port)
        wait_for(lambda: answers(client, "/health"), seconds=120)
        assert client.post("/v1/models/kinds:predict", {"instances": [ROW]}).status == 200
    finally:
        subprocess.run(["docker", "stop", container], check=False, timeout=120)


@pytest.mark.slow
def test_compose_starts_mlflow_over_postgres() -> None:
    needs_docker("buildx", "compose")
    port = free_port()
    variables = {"MLFLOW_DATABASE_PASSWORD": "secret1", "MLFLOW_ADDRESS": f"127.0.0.1:{port}"}
    compose: list[Any] = [
        "docker",
        "compose",
        "--project-name",
        "dense-pipeline-test",
        "--file",
        DEPLOY / "compose.yaml",
    ]

    def run(*words: str) -> None:
        subprocess.run([*compose, *words], env=os.environ | variables, check=True, timeout=1800)

    try:
        run("up", "--build", "--detach", "--wait")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
            assert answer.status == 200
    finally:
        run("down", "--volumes", "--timeout", "10")
