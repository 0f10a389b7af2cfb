"""The HTTP API of a service, and its dashboard.

FastAPI says what the API is (and ``/docs`` shows it), uvicorn speaks HTTP, in one thread of the service's process; what is
asked of the service runs in small pools of threads, so that the loop never waits. ``gate`` stands before all of it.

The dashboard in ``static/`` is a small front end of our own: plain ES modules, one style sheet, no build step. Nothing is
loaded from anywhere else and nothing is inline, so that a Content-Security-Policy of ``default-src 'self'`` holds; a Python UI
library would bring inline scripts, a WebSocket that keeps state in the service for every open page, and a build chain.
"""
