"""Sinks: one file, or one package, per service that receives deliveries.

To add one:

1. ``sinks/``: a class that satisfies ``bridge.delivery.rules.sink.Sink``.
2. ``directions.py``: a row.
3. ``settings.py``: a class of its settings, a field of ``Settings`` with the row's key, and a row of ``READERS``.
4. ``bootstrap.py``: a builder in ``SIDES``.
5. A pure package, or one that exists, returns an ``Outgoing`` whose ``sink`` is the row's.

``tests/test_new_sink.py`` does so in a temporary package.
"""
