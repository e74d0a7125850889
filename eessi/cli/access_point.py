"""``eessi access-point``: the access-point double, for tests and demonstrations."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import click

from eessi.errors import MissingExtra, UsageError

__all__ = ["access_point"]


@click.group(name="access-point")
def access_point() -> None:
    """The access-point double, for tests and demonstrations."""


@access_point.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--institution", "institutions", multiple=True, help="Id of an institution; two made-up ones by default.")
def init(folder: Path, institutions: tuple[str, ...]) -> int:
    """Write demonstration keys and the file that describes a double."""
    from eessi.transport.access_point_config import write_demo

    file = write_demo(folder, institutions) if institutions else write_demo(folder)
    click.echo(f"{file}: run it with eessi access-point run --config {file}")
    return 0


@access_point.command()
@click.option(
    "--config", type=click.Path(dir_okay=False, path_type=Path), required=True, help="File that describes it."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; loopback only.")
@click.option("--port", default=8480, show_default=True, help="Port to listen on.")
def run(config: Path, host: str, port: int) -> int:
    """Run the double on this machine: POST /Business/Outbox, /Business/Inbox, /Business/Inbound."""
    from eessi.transport.guard import is_loopback

    if not is_loopback(f"http://{host}:{port}"):
        raise UsageError("the double holds no real access point's promises; it listens on loopback only")
    return _serve(config, host, port)


def _serve(config: Path, host: str, port: int) -> int:
    import datetime as dt

    try:
        import uvicorn
    except ModuleNotFoundError:
        raise MissingExtra("transport", "listening over HTTP") from None
    from eessi.transport.access_point_config import load_access_point
    from eessi.transport.http_client import HttpWire
    from eessi.transport.http_server import as4_app

    with HttpWire() as wire:
        point = load_access_point(config, wire, password=os.environ.get("EESSI_KEY_PASSWORD"))
        app = as4_app({f"/Business/{door}": getattr(point, door.lower()) for door in ("Outbox", "Inbox", "Inbound")})
        stop = threading.Event()

        def forward() -> None:
            while not stop.wait(0.05):
                while point.step(dt.datetime.now(dt.UTC)):
                    pass

        worker = threading.Thread(target=forward, daemon=True)
        worker.start()
        click.echo(
            f"{point.name} listens on http://{host}:{port}/Business/ for {', '.join(point.served)}; Ctrl-C ends it"
        )
        try:
            uvicorn.run(app, host=host, port=port, log_level="warning")
        finally:
            stop.set()
            worker.join(timeout=5)
    return 0
