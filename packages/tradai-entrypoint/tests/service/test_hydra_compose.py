import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import hydra
import pytest
from hydra.core.global_hydra import GlobalHydra
from hypothesis import HealthCheck, given, settings, strategies as st
from omegaconf import OmegaConf

from tradai.core.exceptions import ConfigurationError, TradAIError
from tradai.entrypoint import BaseService

PLANTED = "hunter2sekret"

# The shape that Hydra's documentation teaches: a primary file, groups, nested groups, a default
# that is overridden further down, packages, and a choice that follows other choices.
TREE = {
    "config.yaml": """\
defaults:
  - db: mysql
  - server/apache: plain
  - exchange@markets.main: binance
  - exchange@markets.spare: kraken
  - optional tuning: ${db}_fast
  - _self_
db: {pool: 5}
window: {opens: 12:30, country: NO}
url: ${db.driver}://${server.apache.host}
""",
    "db/mysql.yaml": "defaults: [common]\ndriver: mysql\nport: 3306\n",
    "db/postgresql.yaml": "defaults: [common, _self_]\ndriver: postgresql\nport: 5432\npool: 1\n",
    "db/common.yaml": "pool: 2\ntimeout_s: 1e-3\n",
    "server/apache/plain.yaml": "host: localhost\n",
    "server/apache/https.yaml": "defaults: [plain, tls: strict]\nhost: secure\n",
    "server/apache/tls/strict.yaml": "# @package _global_\ntls: {minimum: '1.3'}\n",
    "exchange/binance.yaml": "name: binance\n",
    "exchange/kraken.yaml": "name: kraken\n",
    "tuning/mysql_fast.yaml": "# @package _global_\nfast: true\n",
    "trial.yaml": """\
defaults:
  - config
  - override db: postgresql
  - _self_
name: trial
""",
    "open.yaml": "defaults:\n  - db: ???\n",
}

Write = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_tree(tree: Mapping[str, str]) -> Path:
        for name, text in tree.items():
            path = tmp_path / "conf" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / "conf" / "config.yaml"

    return write_tree


@pytest.fixture
def conf(write: Write) -> Path:
    return write(TREE)


def read(path: Path, *overrides: str) -> object:
    return OmegaConf.to_container(
        BaseService(config=path, overrides=overrides).config, resolve=True
    )


def test_a_tree_of_groups_is_composed(conf: Path) -> None:
    assert read(conf) == {
        "db": {"driver": "mysql", "port": 3306, "pool": 5, "timeout_s": 0.001},
        "server": {"apache": {"host": "localhost"}},
        "markets": {"main": {"name": "binance"}, "spare": {"name": "kraken"}},
        "fast": True,
        "window": {"opens": "12:30", "country": "NO"},
        "url": "mysql://localhost",
    }


def test_overrides_choose_change_add_and_remove(conf: Path) -> None:
    config = BaseService(
        config=conf,
        overrides=[
            "db=postgresql",
            "server/apache=https",
            "exchange@markets.spare=binance",
            "db.port=1",
            "+db.user=me",
            "~window",
        ],
    ).config

    assert config.db == {
        "driver": "postgresql",
        "port": 1,
        "pool": 5,
        "timeout_s": 0.001,
        "user": "me",
    }
    assert config.server.apache.host == "secure"
    assert config.tls.minimum == "1.3"
    assert config.markets.spare.name == "binance"
    assert config.url == "postgresql://secure"
    assert "window" not in config
    assert "fast" not in config
    assert OmegaConf.is_readonly(config)


def test_a_file_can_extend_another_and_choose_another_option(conf: Path) -> None:
    config = BaseService(config=conf.with_name("trial.yaml")).config

    assert (config.name, config.db.driver, config.db.pool) == ("trial", "postgresql", 5)


def test_hydra_composes_the_same_by_itself(conf: Path) -> None:
    with hydra.initialize_config_dir(str(conf.parent), version_base="1.3"):
        theirs = hydra.compose("config", ["db=postgresql", "server/apache=https"])

    ours = BaseService(config=conf, overrides=["db=postgresql", "server/apache=https"]).config

    # YAML 1.1 of Hydra's own reader, where ours keeps what was written.
    assert theirs.window == {"opens": 750, "country": False}
    assert {**ours, "window": None} == {**theirs, "window": None}


def test_a_relative_path_means_the_working_directory(
    conf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(conf.parent)

    assert read(Path("config.yaml")) == read(conf)


def test_without_the_extra_the_error_names_it(conf: Path) -> None:
    program = (
        "import sys; sys.modules['hydra'] = None\n"
        "from tradai.entrypoint import BaseService\n"
        "from tradai.core.exceptions import ConfigurationError\n"
        f"plain = {str(conf.with_name('db') / 'common.yaml')!r}\n"
        "assert BaseService(config=plain).config.pool == 2\n"
        "try:\n"
        f"    BaseService(config={str(conf)!r})\n"
        "except ConfigurationError as error:\n"
        "    assert error.__cause__ is error.__context__ is None\n"
        "    print(error)\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )

    assert "install tradai-entrypoint[hydra]" in ended.stdout


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("config.yaml", "defaults: [db: mysql]\na: {_target_: os.system}", r"a\._target_"),
        ("db/mysql.yaml", "_target_: os.system", r"mysql\.yaml: _target_"),
        ("db/mysql.yaml", "a: ${oc.env:HOME}", r"mysql\.yaml: a: only"),
        ("db/mysql.yaml", "a: 1\na: 2", r"mysql\.yaml:2:1: key 'a' repeats"),
        ("db/mysql.yaml", "a: !!python/name:os.system", r"mysql\.yaml:1:4: tags"),
        ("config.yaml", "defaults: [db: '${oc.env:DB}']", r"defaults\[0\]\.db: only"),
        ("config.yaml", "defaults: [_self_]\nhydra: {searchpath: [/]}", "'hydra' would configure"),
        ("config.yaml", "defaults: [override hydra/job_logging: none]", "would configure Hydra"),
        ("config.yaml", "defaults: [db@hydra.job: mysql]", "would configure Hydra"),
        ("db/mysql.yaml", "# @package hydra.callbacks.x\na: 1", "would configure Hydra"),
        ("db/mysql.yaml", "# @package _global_.hydra\na: 1", "would configure Hydra"),
        ("db/mysql.yaml", "# @package a._target_\na: 1", "would run code"),
        ("db/mysql.yaml", "# @package\na: 1", "a comment at its top"),
        ("config.yaml", "defaults: [../outside]", "leaves the folder"),
        ("config.yaml", "defaults: [db: ../../outside]", "leaves the folder"),
        ("config.yaml", "defaults: [/../../outside]", "leaves the folder"),
        ("config.yaml", "defaults: [db: oracle]", "choose from common, mysql, postgresql"),
        ("config.yaml", "defaults: [nowhere]", "there is no 'nowhere'"),
        ("config.yaml", "defaults: [db: '???']", r"a group marked \?\?\? needs an override"),
        ("config.yaml", "defaults: [db: {a: 1}]", "defaults list"),
        ("config.yaml", "defaults: [5]", "defaults list"),
        ("config.yaml", "defaults: [config]", "defaults list"),
        ("config.yaml", "defaults: [_self_]\nport: ???", "port is marked"),
    ],
)
def test_a_tree_that_is_refused_names_the_place(
    write: Write, name: str, text: str, problem: str
) -> None:
    conf = write({**TREE, "config.yaml": "defaults: [db: mysql]", name: text})
    conf.parent.with_name("outside.yaml").write_text("a: 1")

    with pytest.raises(ConfigurationError, match=problem):
        read(conf)


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("+a={_target_: os.system}", r"a\._target_"),
        ("+a._target_=os.system", r"a\._target_"),
        ("db.port=${oc.env:HOME}", "override 1: only"),
        ("db=${oc.env:HOME}", "override 1: only"),
        ("hydra.searchpath=[/etc]", "'hydra.searchpath' would configure Hydra"),
        ("+hydra.callbacks.x.a=1", "would configure Hydra"),
        ("hydra/job_logging=none", "would configure Hydra"),
        ("exchange@hydra.job=kraken", "would configure Hydra"),
        ("db=../../outside", "leaves the folder"),
        ("db=oracle", "choose from common, mysql, postgresql"),
        ("db.prt=1", r"db\.prt does not fit.*\+db\.prt="),
        ("db.port=1,2", "overrides of db.port"),
        ("db.port=[1", "override 1 is not in Hydra's grammar"),
    ],
)
def test_an_override_that_is_refused_is_named(conf: Path, override: str, problem: str) -> None:
    conf.parent.with_name("outside.yaml").write_text("a: 1")

    with pytest.raises(ConfigurationError, match=problem):
        read(conf, override)


def test_a_group_whose_option_is_the_file_itself_is_refused(write: Write) -> None:
    conf = write({**TREE, "config.yaml": "defaults: [db: _self_]"})

    with pytest.raises(ConfigurationError, match="check its defaults lists"):
        read(conf)


def test_a_link_out_of_the_folder_is_refused(conf: Path) -> None:
    outside = conf.parent.with_name("outside.yaml")
    outside.write_text("a: 1")
    (conf.parent / "db" / "linked.yaml").symlink_to(outside)

    with pytest.raises(ConfigurationError, match="leaves the folder"):
        read(conf, "db=linked")


def test_links_inside_the_folder_work_as_mounted_volumes_need_them(conf: Path) -> None:
    (conf.parent / "db" / "linked.yaml").symlink_to("mysql.yaml")

    assert read(conf, "db=linked") != {}


def test_only_yaml_by_its_full_name_is_composed(write: Write) -> None:
    conf = write(TREE).with_name("config.yml")
    conf.write_text("defaults: [db: mysql]")

    with pytest.raises(ConfigurationError, match=r"config\.yml: Hydra composes \.yaml files only"):
        read(conf)


@pytest.mark.parametrize(
    ("text", "override"),
    [
        ("", f"db={PLANTED}"),
        ("", f"db.prt={PLANTED}"),
        ("", f"+db.port={PLANTED}"),
        ("", f"~db.port={PLANTED}"),
        ("", f"db.port={PLANTED},2"),
        ("", f"db.port=[{PLANTED}"),
        ("", f"db.port.x={PLANTED}"),
        ("", f"db.port=${{oc.env:{PLANTED}}}"),
        ("", f"db.port=${{{PLANTED}}}"),
        ("", f"{PLANTED}"),
        ("", f"db.port=int({PLANTED})"),
        (f"db: [{PLANTED}]", "db.port=1"),
        (f"db: {PLANTED}", "db.port=1"),
        (f"x: ${{{PLANTED}}}", "db.port=1"),
        (f"hydra: {PLANTED}", "db.port=1"),
    ],
)
def test_no_error_contains_a_value(
    write: Write, said_by: Callable[[BaseException], str], text: str, override: str
) -> None:
    conf = write({**TREE, "config.yaml": f"defaults: [db: mysql, _self_]\n{text}"})

    with pytest.raises(ConfigurationError) as caught:
        read(conf, override)

    assert PLANTED not in said_by(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_the_global_state_of_hydra_is_restored(
    conf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    handlers = list(logging.getLogger().handlers)
    with hydra.initialize_config_dir(str(conf.parent), version_base="1.2"):
        before = GlobalHydra.instance().hydra
        base = hydra.version.getbase()

        read(conf)
        with pytest.raises(ConfigurationError):
            read(conf, "db=oracle")

        assert GlobalHydra.instance().hydra is before
        assert hydra.version.getbase() == base
    assert not GlobalHydra.instance().is_initialized()
    assert logging.getLogger().handlers == handlers
    assert Path.cwd() == tmp_path
    assert [path.name for path in tmp_path.iterdir()] == ["conf"]


def test_many_threads_may_compose_at_once(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hydra.version.VersionBase.instance(), "version_base", None)
    hydra.version.setbase("1.2")
    base = hydra.version.getbase()
    barrier = threading.Barrier(4)
    found: list[object] = []

    def compose(option: str) -> None:
        barrier.wait(60)
        found.append(BaseService(config=conf, overrides=[f"db={option}"]).config.db.driver)

    options = ["mysql", "postgresql"] * 2
    threads = [threading.Thread(target=compose, args=(option,)) for option in options]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(map(str, found)) == sorted(options)
    assert hydra.version.getbase() == base


WORDS = st.sampled_from(
    ["db", "mysql", "_self_", "???", "override db", "optional db", "/db", "db@x", "config", "null"]
)
ENTRIES = st.recursive(
    WORDS | st.integers() | st.none() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=4,
)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(entries=st.lists(ENTRIES, max_size=3), overrides=st.lists(st.text(max_size=8), max_size=1))
def test_any_defaults_list_raises_only_our_errors(
    write: Write, entries: list[object], overrides: list[str]
) -> None:
    conf = write(TREE)
    conf.write_text(json.dumps({"defaults": entries}))

    try:
        read(conf, *overrides)
    except TradAIError:
        return
