"""The engines that Hortus can run: a table from the name in a deployment to its driver."""

from hortus.engines.driver import Driver
from hortus.engines.drivers.llamacpp import LLAMACPP
from hortus.engines.drivers.transformers import TRANSFORMERS
from hortus.engines.drivers.vllm import VLLM, has_gpu, is_installed
from hortus.engines.errors import EngineMissingError
from hortus.engines.sources import model_file
from hortus.snapshot.model import Deployment

DRIVERS: dict[str, Driver] = {driver.name: driver for driver in (LLAMACPP, TRANSFORMERS, VLLM)}


AUTO = "auto"
"""As a deployment's engine: whichever its model is made for."""


def driver_of(engine: str) -> Driver:
    """Return the driver with this name.

    Raises:
        EngineMissingError: There is none.
    """
    driver = DRIVERS.get(engine)
    if driver is None:
        raise EngineMissingError(
            f"no engine is called {engine!r}.", hint=f"Known engines: {', '.join(sorted(DRIVERS))}."
        )
    return driver


def driver_for(deployment: Deployment) -> Driver:
    """Return the driver of a deployment: the one it names, or the one that its model is made for.

    Raises:
        EngineMissingError: There is none of this name.
    """
    return _fitting(deployment) if deployment.engine == AUTO else driver_of(deployment.engine)


def _fitting(deployment: Deployment) -> Driver:
    """A folder is vLLM's where that can run here; transformers serves it everywhere else."""
    if not model_file(deployment).is_dir():
        return LLAMACPP
    return VLLM if is_installed() and has_gpu() else TRANSFORMERS


def stands_alone(deployment: Deployment) -> bool:
    """Tell whether two processes of a deployment cannot run at the same time; of an unknown engine, none runs."""
    try:
        return driver_for(deployment).stands_alone
    except EngineMissingError:
        return False
