"""Load trained FreqAI models, digest their predictions and measure them, in a process of its own.

FreqAI stores beside each model the features it was trained on, after its own transformations, so
a prediction on them needs no engine. Models are pickles: only a run's own folder is ever read.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tradai.entrypoint.freqtrade._training.measurement import Measurement

_MODEL_SUFFIX: Final = "_model.joblib"
# As zip by PyTorch and reinforcement learning, and as h5 by Keras.
_ANY_MODEL: Final = "*_model.*"
_FEATURES_SUFFIX: Final = "_trained_df.pkl"
_LABELS_SUFFIX: Final = "_label_pipeline.pkl"


def main(folder: str, kept: str | None = None) -> int:
    """Probe the models below `folder` and print the answer as JSON.

    Args:
        folder: Folder of models.
        kept: Folder of the recorder of their training, which they are measured by; None measures
            nothing.
    """
    if kept is None:
        sys.stdout.write(json.dumps(probe(Path(folder))))
        return 0
    from tradai.entrypoint.freqtrade._training.measurement import Measurement

    measurement = Measurement(Path(kept))
    answer = probe(Path(folder), measurement)
    training = measurement.result().model_dump(mode="json")
    sys.stdout.write(json.dumps({**answer, "training": training}))
    return 0


def probe(folder: Path, measurement: "Measurement | None" = None) -> dict[str, object]:
    """Return the number of models below `folder` and a digest over all their predictions.

    Models that FreqAI has stored in the form of their own library are counted apart.
    """
    # The engine stores models as pickles; these are from the run that started this process.
    import cloudpickle
    import numpy as np

    models = sorted(folder.rglob(f"*{_MODEL_SUFFIX}"))
    content = hashlib.sha256()
    for path in models:
        model = cloudpickle.loads(path.read_bytes())
        features = cloudpickle.loads(_beside(path, _FEATURES_SUFFIX).read_bytes())
        predicted = np.asarray(model.predict(features))
        content.update(path.relative_to(folder).as_posix().encode())
        content.update(_bytes(predicted))
        if measurement is not None:
            name = path.name.removesuffix(_MODEL_SUFFIX)
            labels = cloudpickle.loads(_beside(path, _LABELS_SUFFIX).read_bytes())
            measurement.add(name, model, features, predicted, labels)
    others = sum(not path.name.endswith(_MODEL_SUFFIX) for path in folder.rglob(_ANY_MODEL))
    return {"models": len(models), "others": others, "digest": content.hexdigest()}


def _beside(model: Path, suffix: str) -> Path:
    return model.with_name(model.name.replace(_MODEL_SUFFIX, suffix))


def _bytes(predicted: "npt.NDArray[np.generic]") -> bytes:
    try:
        return predicted.astype("<f8").tobytes()
    except (TypeError, ValueError):
        # A classifier predicts names of classes.
        return "\0".join(map(str, predicted.ravel().tolist())).encode()
