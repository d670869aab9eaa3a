"""Just enough of libpq through ctypes: the machine has it anyway, and a psql process would blur the times."""

import ctypes
import ctypes.util

from bench.processes import Failure

_OK = (1, 2)  # PGRES_COMMAND_OK, PGRES_TUPLES_OK


def _library():
    lib = ctypes.CDLL(ctypes.util.find_library("pq") or "libpq.so.5")
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    for name, result, *arguments in [
        ("PQconnectdb", pointer, text), ("PQstatus", number, pointer), ("PQerrorMessage", text, pointer),
        ("PQfinish", None, pointer), ("PQexec", pointer, pointer, text), ("PQresultStatus", number, pointer),
        ("PQntuples", number, pointer), ("PQnfields", number, pointer), ("PQclear", None, pointer),
        ("PQgetisnull", number, pointer, number, number), ("PQgetvalue", text, pointer, number, number),
    ]:
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


class Session:
    """One connection; every value comes back as text or None."""

    def __init__(self, url):
        self.lib = _library()
        self.connection = self.lib.PQconnectdb(url.encode())
        if self.lib.PQstatus(self.connection) != 0:
            raise Failure(self._error())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lib.PQfinish(self.connection)

    def rows(self, sql):
        result = self.lib.PQexec(self.connection, sql.encode())
        try:
            if self.lib.PQresultStatus(result) not in _OK:
                raise Failure(f"{self._error()} in: {sql[:200]}")
            columns = range(self.lib.PQnfields(result))
            return [[self._cell(result, row, column) for column in columns] for row in range(self.lib.PQntuples(result))]
        finally:
            self.lib.PQclear(result)

    def value(self, sql):
        return self.rows(sql)[0][0]

    def _cell(self, result, row, column):
        if self.lib.PQgetisnull(result, row, column):
            return None
        return self.lib.PQgetvalue(result, row, column).decode()

    def _error(self):
        return self.lib.PQerrorMessage(self.connection).decode().strip()
