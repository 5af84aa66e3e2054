"""Load trained FreqAI models and digest their predictions, in a process of its own.

FreqAI stores beside each model the features it was trained on, after its own transformations, so
a prediction on them needs no engine. Models are pickles: only a run's own folder is ever read.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Final

_MODEL_SUFFIX: Final = "_model.joblib"
_FEATURES_SUFFIX: Final = "_trained_df.pkl"


def main(folder: str) -> int:
    """Probe the models below `folder` and print the answer as JSON."""
    sys.stdout.write(json.dumps(probe(Path(folder))))
    return 0


def probe(folder: Path) -> dict[str, object]:
    """Return the number of models below `folder` and a digest over all their predictions."""
    models = sorted(folder.rglob(f"*{_MODEL_SUFFIX}"))
    content = hashlib.sha256()
    for model in models:
        content.update(model.relative_to(folder).as_posix().encode())
        content.update(_predictions(model))
    return {"models": len(models), "digest": content.hexdigest()}


def _predictions(path: Path) -> bytes:
    import cloudpickle
    import numpy as np
    import pandas as pd

    with path.open("rb") as file:
        # The engine stores models as pickles; this one is from the run that started this process.
        model = cloudpickle.load(file)
    # The features are a pickle of the same run.
    features = pd.read_pickle(str(path).replace(_MODEL_SUFFIX, _FEATURES_SUFFIX))  # noqa: S301
    predicted = np.asarray(model.predict(features))
    try:
        return predicted.astype("<f8").tobytes()
    except (TypeError, ValueError):
        # A classifier predicts names of classes.
        return "\0".join(map(str, predicted.ravel().tolist())).encode()
