"""One file, or one package, per service that takes deliveries.

To add one: write a ``bridge.delivery.rules.sink.Sink``, and name it in ``bridge.bootstrap``.
"""
