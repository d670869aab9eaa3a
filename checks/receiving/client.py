"""One request, and its answer."""

import http.client
import json
from typing import Any


class Client:
    """A connection that is kept, and made again after it broke."""

    def __init__(self, host: str, port: int) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=30)

    def post(self, source: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        """The status and the JSON of an answer; OSError or HTTPException when there was none."""
        try:
            self._connection.request("POST", f"/in/{source}", body, headers)
            answer = self._connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise

    def close(self) -> None:
        self._connection.close()
