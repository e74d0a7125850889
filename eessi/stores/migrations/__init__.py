"""Migrations of all rooms, run by :mod:`eessi.stores.versions` over a connection that is already open."""
