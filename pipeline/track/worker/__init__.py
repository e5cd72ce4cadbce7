"""The worker: a process that imports MLflow and sends the runs of another process to their stores.

So the process that trains does not import MLflow. `client.py` starts the worker and sends it requests, as lines of JSON
over a socket; `__main__.py` is the worker's program. It ends when its client does, even if that is killed; what it has
not sent is in the spool.
"""
