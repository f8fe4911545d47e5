"""The embedded PostgreSQL: a private server in the data folder, which keeps running between commands.

Below the data folder, `postgres/18` is the cluster and `postgres/lock` keeps two processes from starting it at
once. Nobody but the folder's owner (and root) can connect: there is no TCP port, the socket lies in a folder of
mode 0700, and authentication is `peer` in both directions.
"""

from etstats.db.embedded.address import cluster_folder, libpq_environment_ignored
from etstats.db.embedded.programs import VERSION, bin_dir, installed_version, newer_version
from etstats.db.embedded.server import EmbeddedStatus, ensure_running, status, stop

__all__ = [
    "VERSION",
    "EmbeddedStatus",
    "bin_dir",
    "cluster_folder",
    "ensure_running",
    "installed_version",
    "libpq_environment_ignored",
    "newer_version",
    "status",
    "stop",
]
