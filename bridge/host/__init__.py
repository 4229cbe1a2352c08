"""Locks and sockets that the processes of one host share, in one folder.

Each file's name begins with a digest of the database's address, so bridges with different databases can share a folder.

- ``{digest}.worker``: the process that locks it runs the embedded worker.
- ``{digest}-{pid}-{token}.alive``: locked while that process lives; its time is that of the last progress.
- ``{digest}.rates``: numbers of events by write key and address, in SQLite's format.
- ``{digest}-{pid}-{token}.bell``: a socket; a datagram wakes the worker that reads it.

The kernel releases a lock when its process ends, however it ends. The files of a killed process are removed by the next
process that finds them. The database decides what a worker may do, never a file here. Without the folder, workers poll,
and a dead worker is noticed when its lease ends.

    host      the processes of one host, and their files
    folder    the folder of the files
    presence  the sign that a process lives
    rates     the rates of senders
    bell      the socket that wakes a worker
    locks     file locks of one process
"""

from bridge.host.bell import Bell
from bridge.host.folder import VARIABLE, folder_problem, planned_folder
from bridge.host.host import Host
from bridge.host.locks import Seat
from bridge.host.presence import Presence
from bridge.host.rates import Rates

__all__ = ["VARIABLE", "Bell", "Host", "Presence", "Rates", "Seat", "folder_problem", "planned_folder"]
