"""How much energy did this process use so far: the processor's counter, the GPU's, or an estimate that says so."""

from __future__ import annotations

import ctypes
import time
from pathlib import Path
from typing import NamedTuple, Protocol

_POWERCAP = Path("/sys/class/powercap")
_WATTS_OF_A_BUSY_CORE = 10.0
"""About what one core of a server's processor draws under load, its share of the socket included. An assumption."""
_LAST_RESORT = f"estimate: {_WATTS_OF_A_BUSY_CORE:g} W for each busy core"


class Energy(NamedTuple):
    """What was used since the meter began, and how that is known."""

    joules: float
    source: str


class Meter(Protocol):
    """Counts energy."""

    def read(self) -> Energy:
        """Return what was used since the meter began."""
        ...


class _Counter(NamedTuple):
    """A socket's counter, which begins again after its highest value."""

    file: Path
    highest: int


class Rapl:
    """The processor's own counters of whole sockets: other programs' work on them is counted too."""

    def __init__(self, counters: list[_Counter]) -> None:
        self._counters = counters
        self._last = [_number(one.file) for one in counters]
        self._joules = 0.0

    def read(self) -> Energy:
        """Return what the sockets used. Raises OSError."""
        now = [_number(one.file) for one in self._counters]
        for before, after, counter in zip(self._last, now, self._counters, strict=True):
            grown = after - before if after >= before else after - before + counter.highest
            self._joules += grown / 1e6
        self._last = now
        return Energy(self._joules, "RAPL, whole sockets")


class Nvml:
    """The GPUs' own counters, through the driver's library; the processor is not counted."""

    def __init__(self, library: ctypes.CDLL, devices: list[ctypes.c_void_p]) -> None:
        self._library = library
        self._devices = devices
        self._start = self._total()

    def _total(self) -> float:
        used, total = ctypes.c_ulonglong(), 0.0
        for device in self._devices:
            if self._library.nvmlDeviceGetTotalEnergyConsumption(device, ctypes.byref(used)) == 0:
                total += used.value / 1000
        return total

    def read(self) -> Energy:
        """Return what the GPUs used."""
        return Energy(self._total() - self._start, "NVML, whole GPUs")


class Estimate:
    """Processor seconds of this process times an assumed power."""

    def __init__(self) -> None:
        self._start = time.process_time()

    def read(self) -> Energy:
        """Return the estimate."""
        return Energy((time.process_time() - self._start) * _WATTS_OF_A_BUSY_CORE, _LAST_RESORT)


def start_meter(*, gpus: int = 0, powercap: Path = _POWERCAP) -> Meter:
    """Return the best meter that this machine has."""
    if gpus and (meter := _nvml(gpus)):
        return meter
    counters = _sockets(powercap)
    return Rapl(counters) if counters else Estimate()


def _number(file: Path) -> int:
    return int(file.read_text("ascii"))


def _sockets(powercap: Path) -> list[_Counter]:
    """Return the counters of whole sockets that may be read: often only root may."""
    found = []
    for folder in sorted(powercap.glob("*-rapl:[0-9]*")):
        if folder.name.count(":") > 1:
            continue
        try:
            counter = _Counter(folder / "energy_uj", _number(folder / "max_energy_range_uj"))
            _number(counter.file)
        except (OSError, ValueError):
            continue
        found.append(counter)
    return found


def _nvml(gpus: int) -> Nvml | None:
    """Return the GPUs' meter, or None where driver or device has no counter (it came with Volta)."""
    # https://docs.nvidia.com/deploy/nvml-api/, recalled 2026-11
    try:
        library = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return None
    if library.nvmlInit_v2() != 0:
        return None
    devices, used = [], ctypes.c_ulonglong()
    for index in range(gpus):
        device = ctypes.c_void_p()
        if library.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(device)) != 0:
            return None
        if library.nvmlDeviceGetTotalEnergyConsumption(device, ctypes.byref(used)) != 0:
            return None
        devices.append(device)
    return Nvml(library, devices)
