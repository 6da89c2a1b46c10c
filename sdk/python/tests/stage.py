"""The stage that FRONTROW_STAGE names: sdk/README.md lists its requests."""

import json
import os
from dataclasses import dataclass
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

ADDRESS = os.environ.get("FRONTROW_STAGE", "")

_opener = build_opener(ProxyHandler({}))


@dataclass(frozen=True)
class Addresses:
    """The services, and addresses at which no Frontrow is."""

    plain: str
    tokens: str
    strict: str
    closed: str
    silent: str
    foreign: str


class Stage:
    """The requests to a stage's control server."""

    def addresses(self) -> Addresses:
        return Addresses(**self._send("GET", "/"))

    def scenarios(self) -> dict[str, dict[str, Any]]:
        """The figures of the scenarios by their names."""
        return {each["name"]: each["figures"] for each in self._send("GET", "/scenarios")["scenarios"]}

    def concerts(self, **body: Any) -> tuple[list[int], str]:
        """Creates concerts, and returns their ids and their artist."""
        made = self._send("POST", "/concerts", **body)
        return [int(each) for each in made["ids"]], made["artist"]

    def concert(self, **body: Any) -> int:
        (concert_id,), _ = self.concerts(**body)
        return concert_id

    def token(self, user: str, **body: Any) -> str:
        token: str = self._send("POST", "/tokens", user=user, **body)["token"]
        return token

    def cut_next_answer(self) -> None:
        self._send("POST", "/cut")

    def cuts(self) -> int:
        count: int = self._send("GET", "/cuts")["count"]
        return count

    def requests(self, service: str) -> int:
        """How many requests this player has sent to a service, such as `plain`."""
        count: int = self._send("GET", "/requests")[service]
        return count

    def lock(self, concert_id: int) -> None:
        self._send("POST", "/lock", concert_id=str(concert_id))

    def blocked(self, concert_id: int) -> None:
        """Returns when a booking waits for the concert's lock."""
        self._send("POST", "/blocked", concert_id=str(concert_id))

    def cancelled(self, concert_id: int) -> None:
        """Returns when a request has been cancelled since the concert was locked."""
        self._send("POST", "/cancelled", concert_id=str(concert_id))

    def unlock(self, concert_id: int) -> None:
        self._send("POST", "/unlock", concert_id=str(concert_id))

    def start_service(self) -> str:
        address: str = self._send("POST", "/service")["address"]
        return address

    def restart_service(self) -> None:
        self._send("POST", "/restart")

    def _send(self, method: str, path: str, **body: Any) -> Any:
        data = json.dumps(body).encode() if method == "POST" else None
        with _opener.open(Request(ADDRESS + path, data, method=method), timeout=60) as response:
            return json.load(response)
