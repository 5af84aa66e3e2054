import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import tradai.common

# The guard is what these tests are about; no public way leads to it.
from tradai.common._optional import OptionalDistribution

FOLDER = Path(tradai.common.__file__).parent
PLATFORM_PATHS = {
    "aws.ecr_util": {"ECSJobManager"},
    "aws.s3_utils": {"S3Path", "parse_s3_path"},
    "aws.secrets_manager": {"SecretsManager", "get_secret", "get_secrets_client"},
    "base_service": {"BaseService"},
    "base_settings": {"BaseSettings"},
    "entrypoint.base": {"StrategyEntrypoint"},
    "entrypoint.settings": {"EntrypointSettings", "TradingMode"},
    "entrypoint.trading": {"TradingEntrypoint"},
    "exceptions": {"TradAIError", "ValidationError", "NotFoundError", "ConfigurationError"},
    "logger_mixin": {"LoggerMixin"},
    "protocols": {"ModeHandler"},
    "repositories": {"DataRepository", "Repository"},
    "strategy_config_loader": {"StrategyConfig", "StrategyConfigLoader"},
    "types": {"Amount", "JsonValue", "Pair", "Price", "Symbol", "Timeframe", "Utc", "Version"},
    "utils.cache": {"Cache", "CachedDataRepository", "candle"},
    "utils.mlflow_client": {"ExperimentRun", "MLflowClient", "ModelVersion"},
    "utils.common": {"Timeframe", "TimeRange", "from_epoch_ms", "quantize_price", "utc_now"},
}


def _imports_for_type_checkers() -> dict[str, str]:
    tree = ast.parse((FOLDER / "__init__.py").read_text())
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    return {
        alias.name: node.module or ""
        for node in guarded.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


# Name -> the module that it is imported from.
MODULES = _imports_for_type_checkers()
SUBMODULES = sorted(
    ".".join(file.relative_to(FOLDER).with_suffix("").parts).removesuffix(".__init__")
    for file in FOLDER.rglob("*.py")
    if not file.name.startswith("_") or (file.name == "__init__.py" and file.parent != FOLDER)
)


def _leave_out(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    for name in [one for one in sys.modules if one.startswith("tradai.common.")]:
        monkeypatch.delitem(sys.modules, name)
    for name in set(vars(tradai.common)) & set(MODULES):
        monkeypatch.delattr(tradai.common, name)
    # None is Python's own mark for "this module is not to be found".
    monkeypatch.setitem(sys.modules, module, None)


def test_the_lazy_names_are_those_that_type_checkers_see() -> None:
    # Type checkers are not shown `__all__`.
    assert vars(tradai.common)["__all__"] == sorted(MODULES)
    assert set(dir(tradai.common)) >= set(MODULES)


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_name_is_the_same_object_as_in_its_module(name: str) -> None:
    assert getattr(tradai.common, name) is getattr(importlib.import_module(MODULES[name]), name)


@pytest.mark.parametrize(("path", "names"), PLATFORM_PATHS.items())
def test_an_import_path_of_the_platform_has_its_names(path: str, names: set[str]) -> None:
    module = importlib.import_module(f"tradai.common.{path}")

    assert names <= set(module.__all__)


@pytest.mark.parametrize("path", SUBMODULES)
def test_a_submodule_repeats_names_of_the_package(path: str) -> None:
    module = importlib.import_module(f"tradai.common.{path}")

    assert module.__all__ == sorted(module.__all__)
    assert set(module.__all__) <= set(MODULES)
    for name in module.__all__:
        assert getattr(module, name) is getattr(tradai.common, name)


@pytest.mark.parametrize("path", SUBMODULES)
def test_a_submodule_holds_nothing_but_imports(path: str) -> None:
    module = importlib.import_module(f"tradai.common.{path}")
    docstring, *imports, exports = ast.parse(Path(module.__file__ or "").read_text()).body

    assert isinstance(docstring, ast.Expr)
    assert isinstance(exports, ast.Assign)
    for statement in imports:
        inner = statement.body if isinstance(statement, ast.With) else [statement]
        assert all(isinstance(one, ast.ImportFrom) for one in inner)


def test_importing_the_facade_imports_nothing_else() -> None:
    program = "import sys; old = {*sys.modules}; import tradai.common; print({*sys.modules} - old)"
    done = subprocess.run([sys.executable, "-Pc", program], capture_output=True, check=True)

    assert ast.literal_eval(done.stdout.decode()) <= {
        "tradai",
        "tradai.common",
        "tradai.common._optional",
    }


@pytest.mark.parametrize(
    ("name", "extra"),
    [
        ("AwsSettings", "aws"),
        ("CacheSettings", "cache"),
        ("MLflowSettings", "mlflow"),
        ("StrategyEntrypoint", "entrypoint"),
    ],
)
def test_a_name_of_a_missing_distribution_names_the_extra(
    name: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _leave_out(monkeypatch, f"tradai.{extra}")

    with pytest.raises(ImportError, match=rf"pip install 'tradai-common\[{extra}\]'") as caught:
        getattr(tradai.common, name)

    assert caught.value.name == f"tradai.{extra}"


@pytest.mark.parametrize(
    ("path", "extra"),
    [
        ("aws", "aws"),
        ("aws.ecr_util", "aws"),
        ("aws.s3_utils", "aws"),
        ("aws.secrets_manager", "aws"),
        ("utils.cache", "cache"),
        ("utils.mlflow_client", "mlflow"),
        ("base_service", "entrypoint"),
        ("entrypoint", "entrypoint"),
        ("entrypoint.base", "entrypoint"),
        ("entrypoint.settings", "entrypoint"),
        ("entrypoint.trading", "entrypoint"),
    ],
)
def test_an_import_path_of_a_missing_distribution_names_the_extra(
    path: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _leave_out(monkeypatch, f"tradai.{extra}")

    with pytest.raises(ImportError, match=rf"pip install 'tradai-common\[{extra}\]'"):
        importlib.import_module(f"tradai.common.{path}")


def test_a_missing_distribution_does_not_affect_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    _leave_out(monkeypatch, "tradai.entrypoint")

    assert tradai.common.TradingMode.LIVE.value == "live"


def test_a_package_that_a_distribution_misses_is_reported_by_its_own_name() -> None:
    missing = ModuleNotFoundError("No module named 'boto3'", name="boto3")

    with pytest.raises(ModuleNotFoundError) as caught, OptionalDistribution("aws"):
        raise missing

    assert caught.value is missing


def test_an_unknown_name_is_an_attribute_error() -> None:
    name = "nothing"

    with pytest.raises(AttributeError, match=r"module 'tradai\.common' has no attribute 'nothing'"):
        getattr(tradai.common, name)
