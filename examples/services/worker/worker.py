"""A long-lived worker: does something every few seconds until TERM asks it to stop."""

import os
import signal
import sys
import threading

stop = threading.Event()
signal.signal(signal.SIGTERM, lambda number, frame: stop.set())

print(f"ready, process {os.getpid()}, user {os.getuid()}")
rounds = 0
while not stop.wait(timeout=5):
    rounds += 1
    print("round", rounds)
# finish, flush and release here
print("stopped after", rounds, "rounds")
sys.exit(0)
