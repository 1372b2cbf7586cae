"""A proxy between client and server that delays, limits and breaks connections on purpose.

For benchmarks of latency and for tests of faults; a production never goes through it. Three ways
to run it, with the same methods:

- :class:`~sonicmini.inference.proxy.server.ProxyServer` inside an event loop;
- :class:`~sonicmini.inference.proxy.threaded.Proxy` in a thread of its own;
- :class:`~sonicmini.inference.proxy.process.ProxyProcess` in a process of its own, so that it does
  not share the interpreter with a client that is measured. From a shell:
  ``python -m sonicmini.inference.proxy HOST:PORT --delay 0.1``.

What can go wrong is in :mod:`~sonicmini.inference.proxy.faults`.
"""
