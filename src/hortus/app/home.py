"""Where everything of one installation lies: the layout of `HORTUS_HOME`, and nothing else."""

from __future__ import annotations

from pathlib import Path

import msgspec


class Home(msgspec.Struct, frozen=True):
    """Paths below one installation's directory."""

    root: Path

    @property
    def admin_token(self) -> Path:
        """The token of the first admin (0600)."""
        return self.root / "admin-token"

    @property
    def secret_key(self) -> Path:
        """The installation's secrets, by version (0600)."""
        return self.root / "secret.key"

    @property
    def signing_key(self) -> Path:
        """The key that signs checkpoints of the receipts, and the public ones before it (0600)."""
        return self.root / "signing.key"

    @property
    def store(self) -> Path:
        """The embedded SQLite store."""
        return self.root / "store.sqlite"

    @property
    def content(self) -> Path:
        """What is kept of content between requests: seals, and whose the ids of hosts are."""
        return self.root / "content"

    @property
    def spool(self) -> Path:
        """Where long requests lie while they are served, in files without a name."""
        return self.root / "spool"

    @property
    def journal(self) -> Path:
        """Segments of the journal."""
        return self.root / "journal"

    @property
    def snapshot(self) -> Path:
        """The compiled configuration; replaced by rename."""
        return self.root / "snapshot" / "current.json"

    @property
    def credentials(self) -> Path:
        """Files that hold credentials (0700, files 0600), referred to as `file:`."""
        return self.root / "credentials"

    @property
    def models(self) -> Path:
        """Model files that were fetched."""
        return self.root / "models"

    @property
    def files(self) -> Path:
        """Files that were brought for jobs, by their ids (0700)."""
        return self.root / "files"

    @property
    def datasets(self) -> Path:
        """Checked datasets, each below its hash."""
        return self.root / "datasets"

    @property
    def suites(self) -> Path:
        """Regression suites, one JSON Lines file each."""
        return self.root / "suites"

    @property
    def jobs(self) -> Path:
        """One folder for each job: what its steps reported, checkpoints, the product."""
        return self.root / "jobs"

    @property
    def orders(self) -> Path:
        """What the runner is to do, one `ID.json` for each job that is not over; control writes them (0600)."""
        return self.run / "orders"

    @property
    def logs(self) -> Path:
        """Logs of the processes, one file each."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """What only lives while Hortus runs."""
        return self.root / "run"

    @property
    def addresses(self) -> Path:
        """Addresses of the running installation, read by the CLI."""
        return self.run / "hortus.json"

    @property
    def engines(self) -> Path:
        """One `NAME.json` for each running deployment: port, key, state (0600)."""
        return self.run / "engines"

    @property
    def metrics(self) -> Path:
        """Counters of all processes, summed by control."""
        return self.run / "metrics"

    @property
    def ledger_socket(self) -> Path:
        """Where workers ask for grants."""
        return self.run / "ledger.sock"

    @property
    def control_socket(self) -> Path:
        """The admin API for this machine's user."""
        return self.run / "control.sock"
