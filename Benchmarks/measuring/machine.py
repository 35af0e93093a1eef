"""What the numbers were measured on."""

import datetime
import os
import platform
import re
import subprocess
from pathlib import Path


def _first_line(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip().splitlines()[0]


def describe(stack) -> list[str]:
    processor = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    settings = stack.psql(
        "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings WHERE name IN"
        " ('fsync', 'synchronous_commit', 'full_page_writes', 'wal_sync_method', 'shared_buffers')")
    return [
        f"- {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores"
        f" ({processor[1] if processor else platform.machine()}), Linux {platform.release()},"
        f" load average at the start {os.getloadavg()[0]:.1f}",
        f"- {_first_line('swift', '--version')}; release build",
        f"- {_first_line(str(stack.postgres_bin / 'postgres'), '--version')}: {settings}",
        f"- {_first_line(stack.nginx, '-v')}; {_first_line('redis-server', '--version').split(' sha')[0]}",
        f"- {stack.rounds} runs of {stack.seconds:g} s each, contenders in turns, {stack.warmup:g} s warm-up before"
        " each; one load generator with one thread, one request in flight on each connection",
    ]
