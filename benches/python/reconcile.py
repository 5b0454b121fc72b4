"""Boot reconciliation in the shape of the Python module that is in use: each service directory is made
whole beside its place, the old one removed, the new one renamed."""
import json
import os
import shutil
import sys
import time
from pathlib import Path

home, scan, uid, gid = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
RUN = """#!/bin/sh
set -e
export HOME={home}
cd {home}
. /opt/hermes/.venv/bin/activate
exec s6-setuidgid hermes hermes {profile}gateway run
"""
LOG = """#!/bin/sh
set -e
mkdir -p {home}/logs/gateways/{name}
chown hermes:hermes {home}/logs/gateways/{name}
exec s6-setuidgid hermes s6-log n10 s1000000 T {home}/logs/gateways/{name}
"""


def prior_state(directory):
    try:
        return json.loads((directory / "gateway_state.json").read_text()).get("gateway_state")
    except (OSError, ValueError):
        return None


def delegate(directory):
    for name, mode in (("event", 0o3730), ("supervise", 0o710)):
        made = directory / name
        made.mkdir()
        os.chown(made, 0, gid)
        made.chmod(mode)
    control = directory / "supervise" / "control"
    os.mkfifo(control)
    os.chown(control, 0, gid)
    control.chmod(0o620)


def publish(name, state):
    place = scan / f"gateway-{name}"
    staging = scan / f"gateway-{name}.tmp"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    (staging / "type").write_text("longrun\n")
    run = staging / "run"
    run.write_text(RUN.format(home=home, profile="" if name == "default" else f"-p {name} "))
    run.chmod(0o755)
    log = staging / "log"
    log.mkdir()
    log_run = log / "run"
    log_run.write_text(LOG.format(home=home, name=name))
    log_run.chmod(0o755)
    if state != "running":
        (staging / "down").touch()
    delegate(staging)
    delegate(log)
    shutil.rmtree(place, ignore_errors=True)
    staging.rename(place)


def reconcile(name, directory, lines):
    state = prior_state(directory)
    for stale in ("gateway.pid", "processes.json"):
        (directory / stale).unlink(missing_ok=True)
    publish(name, state)
    action = "started" if state == "running" else "registered"
    lines.append(f"profile={name} prior_state={state} action={action}")


lines = []
reconcile("default", home, lines)
for directory in sorted((home / "profiles").iterdir()):
    if directory.is_dir() and (directory / "SOUL.md").exists() and directory.name != "default":
        reconcile(directory.name, directory, lines)
log = home / "logs" / "container-boot.log"
log.parent.mkdir(exist_ok=True)
if log.exists() and log.stat().st_size >= 262_144:
    log.rename(log.with_suffix(".log.1"))
stamp = time.strftime("%Y-%m-%dT%H:%M:%S%z")
with log.open("a") as file:
    file.writelines(f"{stamp} {line}\n" for line in lines)
for line in lines:
    print("reconcile:", line)
