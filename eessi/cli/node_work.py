"""``eessi node work``: the node as a service, in one process on SQLite, in several on PostgreSQL."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eessi.errors import UsageError

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

    from eessi.node import Node

__all__ = ["opened_node", "work"]

_HANGS = 300.0
"""Seconds after which a step that does not end makes the loop unhealthy."""

_GRACE = 60.0
"""Seconds that a worker has to finish its step after the signal to stop."""

State = Callable[[], Mapping[str, object]]


@contextmanager
def opened_node(config: Path) -> Iterator[Node]:
    """An open node with its HTTP client, closed again at the end."""
    from eessi.node.config import open_node
    from eessi.transport.http_client import HttpWire

    with HttpWire() as wire:
        node = open_node(config, wire, password=os.environ.get("EESSI_KEY_PASSWORD"))
        try:
            yield node
        finally:
            node.store.close()


@click.command("work")
@click.option("--config", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The node's node.toml.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes; PostgreSQL only.")
@click.option("--pause", default=1.0, show_default=True, help="Seconds between two looks when there is nothing to do.")
@click.option("--health", metavar="HOST:PORT", help="Answer GET /health and /ready there.")
@click.option("--listen", metavar="HOST:PORT", help="Take in what others push: POST /as4 there.")
def work(config: Path, workers: int, pause: float, health: str | None, listen: str | None) -> int:
    """Do the work of a node until SIGTERM or Ctrl-C: send, pull, apply, remind.

    Standard error is a log of one JSON object a line, with ids and never a person's data. On PostgreSQL the work is shared
    by the workers of this and of other machines; the tables of their jobs are made and upgraded here.
    """
    from eessi.node.log import log_to

    address = None if health is None else _address("--health", health)
    door = None if listen is None else _address("--listen", listen)
    handler = log_to()
    try:
        with opened_node(config) as node, _listening(door, node):
            if node.store.dialect == "postgresql":
                _supervise(node, config, workers, address)
            elif workers > 1:
                raise UsageError("several workers need a store on PostgreSQL; on SQLite one process does everything")
            else:
                _loop(node, pause, address)
    finally:
        logging.getLogger().removeHandler(handler)
    return 0


def _address(option: str, text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"{option} is HOST:PORT, not {text}")
    return host, int(port)


def _loop(node: Node, pause: float, address: tuple[str, int] | None) -> None:
    from eessi.node.loop import Loop

    loop = Loop(node, pause=pause)

    def state() -> Mapping[str, object]:
        idle = loop.idle_seconds()
        return {"healthy": idle < _HANGS, "idle_seconds": round(idle, 1)}

    with _on_signal(loop.stop), _served(address, node, state):
        loop.run()


# several processes ----------------------------------------------------------------------------------------------------


def _supervise(node: Node, config: Path, workers: int, address: tuple[str, int] | None) -> None:
    from eessi.node.config import store_of
    from eessi.node.log import write_line
    from eessi.node.workers import Workers

    Workers(node, store_of(config)).prepare()
    running: dict[int, SpawnProcess] = {number: _spawned(config, number) for number in range(workers)}
    stop = [False]

    def state() -> Mapping[str, object]:
        alive = sum(one.is_alive() for one in running.values())
        return {"healthy": alive == workers, "workers": alive}

    with _on_signal(lambda: stop.__setitem__(0, True)), _served(address, node, state):
        while not stop[0]:
            time.sleep(0.2)
            for number, one in list(running.items()):
                if not one.is_alive() and not stop[0]:
                    line = {"worker": str(number), "code": one.exitcode or 0, "tenant": node.tenant}
                    write_line("worker lost", line, level=logging.ERROR)  # type: ignore[arg-type]  # fields of Line
                    time.sleep(1)
                    running[number] = _spawned(config, number)
        _end(list(running.values()))


def _spawned(config: Path, number: int) -> SpawnProcess:
    import multiprocessing

    one = multiprocessing.get_context("spawn").Process(
        target=_be_worker, args=(config, number), name=f"worker {number}"
    )
    one.start()
    return one


def _be_worker(config: Path, number: int) -> None:
    from eessi.node.config import store_of
    from eessi.node.log import log_to, write_line
    from eessi.node.workers import Workers

    log_to()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # until the worker listens itself
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with opened_node(config) as node:
        write_line("started", {"tenant": node.tenant, "worker": str(number)})
        try:
            Workers(node, store_of(config)).run(name=f"worker {number}")
        finally:
            write_line("stopped", {"tenant": node.tenant, "worker": str(number)})


def _end_with_parent() -> None:
    """A worker whose supervisor was killed ends too: nobody would start it again or stop it."""
    import multiprocessing

    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _end(running: list[SpawnProcess]) -> None:
    """Let each finish its step; one that does not is killed, and its job goes to another worker."""
    for one in running:
        one.terminate()
    until = time.monotonic() + _GRACE
    for one in running:
        one.join(max(0.0, until - time.monotonic()))
        if one.is_alive():
            one.kill()
            one.join()


@contextmanager
def _on_signal(stop: Callable[[], object]) -> Iterator[None]:
    before = {one: signal.signal(one, lambda *_: stop()) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


# listening -----------------------------------------------------------------------------------------------------------


@contextmanager
def _listening(address: tuple[str, int] | None, node: Node) -> Iterator[None]:
    """Take in what is pushed to ``/as4``, in a thread of its own. TLS is the business of whatever stands in front."""
    if address is None:
        yield
        return
    import uvicorn

    from eessi.transport.http_server import as4_app

    door = _bound(address)
    server = uvicorn.Server(uvicorn.Config(as4_app({"/as4": node.take}), log_config=None))
    thread = threading.Thread(target=server.run, args=([door],), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(timeout=_GRACE)
        door.close()


def _bound(address: tuple[str, int]) -> socket.socket:
    try:
        return socket.create_server(address)
    except OSError as error:
        raise UsageError(f"nothing can listen on {address[0]}:{address[1]}: {error.strerror}") from None


# health ---------------------------------------------------------------------------------------------------------------


@contextmanager
def _served(address: tuple[str, int] | None, node: Node, state: State) -> Iterator[None]:
    """Answer ``/health`` and ``/ready`` with 200 or 503 and a JSON object, in a thread of its own."""
    if address is None:
        yield
        return
    from eessi.node.operation import readiness_of

    answers: dict[str, State] = {"/health": state, "/ready": lambda: readiness_of(node.store, tenant=node.tenant)}

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = answers.get(self.path)
            found = {} if answer is None else answer()
            good = found.get("healthy", found.get("ready", False))
            body = json.dumps(found).encode()
            self.send_response(404 if answer is None else 200 if good else 503)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: a question about health is no event."""

    try:
        server = ThreadingHTTPServer(address, Door)
    except OSError as error:
        raise UsageError(f"nothing can listen on {address[0]}:{address[1]}: {error.strerror}") from None
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
