"""Tests of `tzproxy.services.settings`: what a worker is told."""

from __future__ import annotations

from tzproxy.services.settings import WorkerSettings


def test_settings_do_not_show_secrets() -> None:
    """Neither configuration nor store URL is in what a log could print."""
    made = WorkerSettings(config=b"password", data_dir="/d", store_url="http://user:password@host:8123/db")
    assert repr(made) == "WorkerSettings(data_dir='/d')"
