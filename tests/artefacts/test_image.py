"""The image: what is in it, how it runs where nothing is allowed, and what is not built."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import VERSION
from tests.harness.engine import HARDENED, SOON, Container, engine, execute, inspect, make, shell
from tests.harness.projects import Project
from tests.harness.roles import complete_environment, free_port, new_client
from tests.harness.servers import Servers
from tests.support import commit, git

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]

MOST_BYTES = 120 * 10**6  # on top of the slim image
BASE = "python:3.12-slim"
SECRETS = (".netrc", "key.pem", "id_rsa", "prod.env")
ABSENT = ("cc", "gcc", "git", "make", "pip", "pip3", "uv")
STRANGER = "54321:0"  # some platforms give a container a user of their own, in the group of root


@dataclass(frozen=True)
class Image:
    """What `make image` made of a service."""

    name: str
    tree: Path
    seconds: float

    @property
    def layers(self) -> list[str]:
        """The digests of its layers, from the base upwards."""
        found: list[str] = inspect("image", self.name)["RootFS"]["Layers"]
        return found


def build(name: str, tree: Path) -> Image:
    """Build the image of a service."""
    began = time.monotonic()
    done = make(tree, "image", IMAGE=name)
    assert done.returncode == 0, done.stdout
    return Image(name, tree, time.monotonic() - began)


@pytest.fixture(scope="module")
def image(
    project: Project, framework: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Image]:
    """Yield the image of a service that is committed."""
    engine()
    tree = tmp_path_factory.mktemp(framework) / "service"
    shutil.copytree(project.service, tree, ignore=shutil.ignore_patterns(".venv"))
    for path in (tree / "src").rglob("*"):  # as some developers' umask leaves files
        path.chmod(path.stat().st_mode | 0o020)
    for name in SECRETS:  # lie where they should not
        (tree / "src" / "config" / name).write_text("a secret\n")
    commit(tree)
    built = build(f"demo-{framework}:tried-{os.getpid()}", tree)
    yield built
    execute(engine(), "rmi", "--force", built.name)


@pytest.fixture
def copy(image: Image, tmp_path: Path) -> Path:
    """Return a copy of the service that a test may change."""
    return shutil.copytree(image.tree, tmp_path / "service")


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """Yield servers of our own."""
    with Servers() as started:
        yield started


@pytest.fixture
def environ(servers: Servers) -> dict[str, str]:
    """Return a complete environment with an empty database."""
    environ = complete_environment(**servers.urls, PORT=free_port(), ALLOWED_HOSTS="service.test")
    environ["DATABASE_URL"] = servers.new_database()
    return environ


def migrate(image: Image, environ: dict[str, str]) -> None:
    """Bring the schema up to date."""
    with Container(image.name, "migrate", options=HARDENED, **environ) as migration:
        assert migration.exit_code() == 0, migration.text


def test_it_adds_little_to_its_base(
    image: Image, framework: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a node has to fetch for a new release is small; the figure is printed."""
    if execute(engine(), "image", "inspect", BASE).returncode:  # BuildKit keeps it to itself
        assert execute(engine(), "pull", BASE).returncode == 0
    base = inspect("image", BASE)
    whole = inspect("image", image.name)
    assert whole["RootFS"]["Layers"][: len(base["RootFS"]["Layers"])] == base["RootFS"]["Layers"]
    added = whole["Size"] - base["Size"]
    with capsys.disabled():
        print(f"\n{framework}: {added:,} bytes on top of {base['Size']:,}, {image.seconds:.0f} s")
    assert added <= MOST_BYTES


def test_a_change_of_the_code_leaves_the_packages_alone(
    image: Image, copy: Path, framework: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are not installed anew, and a deployment fetches one layer."""
    with (copy / "src" / "entrypoint.py").open("a") as file:
        file.write("# changed\n")
    changed = build(f"{image.name}-again", copy)
    pairs = list(zip(image.layers, changed.layers, strict=True))
    execute(engine(), "rmi", "--force", changed.name)
    with capsys.disabled():
        print(f"\n{framework}: built again in {changed.seconds:.0f} s")
    assert [one == other for one, other in pairs].count(False) == 1


def test_only_the_service_is_in_it(image: Image, project: Project) -> None:
    """The code, its production packages, and nothing to build, install or test with."""
    found = set(shell(image.name, "ls -A /app").split())
    may = {"manage.py", "migrations", "pyproject.toml", "src", "static"}
    assert {"manage.py", "pyproject.toml", "src"} <= found <= may
    for program in ABSENT:
        assert shell(image.name, f"command -v {program} || echo absent") == "absent"
    pip = shell(image.name, "/usr/local/bin/python -m pip 2>&1 || true")
    assert pip.endswith("No module named pip")
    names = " -o ".join(f"-name '{name}'" for name in SECRETS)
    assert shell(image.name, f"find /app {names}", user="0") == ""
    assert shell(image.name, "find / -xdev -type f -perm /6000 -o -path /opt/venv/.lock", "0") == ""
    surplus = r"\( -name .git -o -name '.env*' -o -name uv.lock -o -path '*/.cache/*' \)"
    assert shell(image.name, f"find / -xdev {surplus}", user="0") == ""
    listed = "import importlib.metadata as m; print(*sorted(d.name for d in m.distributions()))"
    wanted = subprocess.check_output([project.production, "-c", listed], text=True).strip()
    assert shell(image.name, f"python -c '{listed}'") == wanted


def test_the_code_belongs_to_root_and_is_read_only(image: Image) -> None:
    """A hole in the service is no way to change it, even for a stranger in root's group."""
    who = "stat -c %u:%A /app /app/src /app/src/entrypoint.py /opt/venv"
    for row in shell(image.name, who).split():
        assert row.startswith("0:")
        assert "w" not in row.removeprefix("0:")[4:]
    assert shell(image.name, "id -u; tail -1 /etc/passwd").split("\n") == [
        "1000",
        "app:x:1000:1000::/nonexistent:/usr/sbin/nologin",
    ]
    for user in ("1000:1000", STRANGER):
        script = "for f in /app/x /app/src/x /app/manage.py /opt/venv/x; do touch $f; done"
        options = ("--rm", "--user", user, "--entrypoint", "sh")
        done = execute(engine(), "run", *options, image.name, "-c", script)
        assert done.stdout.count("Permission denied") == 4, done.stdout


def test_its_labels_say_what_it_is(image: Image) -> None:
    """Where an image came from can be read off it; its template is the one of the answers file."""
    labels = inspect("image", image.name)["Config"]["Labels"]
    assert labels["io.github.prodstarter.template.version"] == VERSION.removeprefix("v")
    given = {name.removeprefix("org.opencontainers.image."): text for name, text in labels.items()}
    assert given["title"] == "demo"
    assert given["description"] == "Demo: an HTTP API"
    assert given["source"] == "https://github.com/demo/demo"
    assert given["licenses"] == "MIT"
    assert given["version"] == "0.1.0"
    assert given["revision"] == git(image.tree, "rev-parse", "HEAD")


def test_an_image_of_the_next_commit_names_that_one(image: Image, copy: Path) -> None:
    """Also where every layer is taken from the last build."""
    git(copy, "commit", "--quiet", "--allow-empty", "--message", "chore: nothing")
    built = build(f"{image.name}-next", copy)
    labels = inspect("image", built.name)["Config"]["Labels"]
    execute(engine(), "rmi", "--force", built.name)
    assert labels["org.opencontainers.image.revision"] == git(copy, "rev-parse", "HEAD")


@pytest.mark.parametrize("user", ["1000:1000", STRANGER])
def test_it_serves_where_nothing_is_allowed(
    image: Image, environ: dict[str, str], user: str
) -> None:
    """Read-only, without capabilities, as any user; it is live by address and stops in order."""
    migrate(image, environ)
    with Container(image.name, options=[*HARDENED, "--user", user], **environ) as web:
        web.wait_until_it_is("healthy")
        with new_client(f"http://127.0.0.1:{environ['PORT']}") as client:
            assert client.get("/live").status_code == 200
            assert client.get("/ready").status_code == 200
            assert client.get("/").status_code == 400  # a host that is not ALLOWED_HOSTS'
            assert client.get("/", headers={"Host": "service.test"}).json()["name"] == "demo"
        assert web.execute("touch", "/app/x").returncode != 0
        assert web.stop() == 0, web.text
        assert "stopped" in web.text


def test_its_health_is_that_of_the_service(image: Image, environ: dict[str, str]) -> None:
    """Healthy while it answers, unhealthy while it hangs."""
    migrate(image, environ)
    everybody = "import os, sys; os.kill(-1, int(sys.argv[1]))"  # but PID 1 and itself
    with Container(image.name, options=[*HARDENED, *SOON], **environ) as web:
        web.wait_until_it_is("healthy")
        web.execute("python", "-c", everybody, str(int(signal.SIGSTOP)))
        web.wait_until_it_is("unhealthy")
        web.execute("python", "-c", everybody, str(int(signal.SIGCONT)))
        web.wait_until_it_is("healthy")


def test_without_a_server_it_is_unhealthy(image: Image) -> None:
    """A container in which nobody listens is not taken for a service."""
    with Container(image.name, "600", options=[*SOON, "--entrypoint", "sleep"]) as idle:
        idle.wait_until_it_is("unhealthy")


def test_without_settings_it_says_which(image: Image) -> None:
    """An empty environment ends with 78 and every name that is missing."""
    with Container(image.name, options=HARDENED) as web:
        assert web.exit_code() == 78
        for name in ("ENVIRONMENT", "SECRET_KEY", "JWT_SIGNING_KEY", "DATABASE_URL", "REDIS_URL"):
            assert name in web.text


def test_an_image_that_runs_as_root_is_not_smoked(image: Image, copy: Path) -> None:
    """Nor is one that is not there; each time one sentence says so."""
    (copy / "root").mkdir()
    (copy / "root" / "Dockerfile").write_text(f"FROM {image.name}\nUSER 0:0\n")
    name = f"{image.name}-root"
    built = execute(engine(), "build", "--tag", name, str(copy / "root"))
    assert built.returncode == 0, built.stdout
    done = make(copy, "smoke-image", IMAGE=name)
    execute(engine(), "rmi", "--force", name)
    assert done.returncode != 0
    assert "The image runs as root." in done.stdout
    done = make(copy, "smoke-image", IMAGE="demo:of-nobody")
    assert done.returncode != 0
    assert "No image demo:of-nobody: `make image` builds it." in done.stdout
    assert "Traceback" not in done.stdout


@pytest.fixture
def only_django(framework: str) -> None:
    """Skip a test that is about what one framework alone has."""
    if framework != "django":
        pytest.skip("it has no static files")


@pytest.mark.usefixtures("only_django")
def test_static_files_are_kept_for_ever_and_compressed(
    image: Image, environ: dict[str, str]
) -> None:
    """They were collected with the image: their names change with their content."""
    migrate(image, environ)
    environ |= {"ADMIN_PATH": "staff", "ADMIN_NETWORKS": "127.0.0.0/8"}
    environ["ALLOWED_HOSTS"] = "127.0.0.1"
    names = json.loads(shell(image.name, "cat static/staticfiles.json"))["paths"]
    with Container(image.name, options=HARDENED, **environ) as web:
        web.wait_until_it_is("healthy")
        with new_client(f"http://127.0.0.1:{environ['PORT']}") as client:
            answer = client.get(f"/staff/static/{names['admin/css/base.css']}")
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    assert "max-age=315360000" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Encoding"] in {"br", "gzip"}


@pytest.mark.usefixtures("only_django")
def test_no_image_without_a_static_file(copy: Path) -> None:
    """A stylesheet that names a file that nobody has ends the build."""
    sheet = copy / "src" / "apps" / "articles" / "static" / "page.css"
    sheet.parent.mkdir()
    sheet.write_text('body { background: url("nowhere.svg"); }\n')
    done = make(copy, "image", IMAGE="demo:broken")
    assert done.returncode != 0
    assert "nowhere.svg" in done.stdout


@pytest.mark.parametrize("way", ["make", "engine"])
def test_no_image_without_a_lock_file(copy: Path, way: str) -> None:
    """What would be installed is not known then; whoever builds is told what writes the file."""
    (copy / "uv.lock").unlink()
    done = make(copy, "image") if way == "make" else execute(engine(), "build", ".", cwd=copy)
    assert done.returncode != 0
    assert "uv.lock is missing: run 'make setup'" in done.stdout
