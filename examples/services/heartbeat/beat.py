"""Posts one heartbeat to WEBHOOK_URL. Exits with 1 and the reason if it was not accepted."""

import json
import os
import socket
import sys
import urllib.error
import urllib.request

url = os.environ.get("WEBHOOK_URL")
if not url:
    sys.exit("WEBHOOK_URL is not set: write it into config.env")

body = json.dumps({"text": f"{socket.gethostname()} is alive"}).encode()
request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
try:
    with urllib.request.urlopen(request, timeout=10) as answer:
        print("posted, status", answer.status)
except urllib.error.HTTPError as error:
    sys.exit(f"not taken: status {error.code}")
except OSError as error:
    # without the URL: it is a secret
    sys.exit(f"unable to post: {getattr(error, 'reason', error)}")
