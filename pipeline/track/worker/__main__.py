"""`python -m pipeline.track.worker FILE`, where FILE is the number of an open socket; see `client.py`."""

import socket
import sys

from pipeline.track.worker.serving import serve

if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
