"""One file per service that takes deliveries. To add one: write a ``delivery.sink.Sink`` and name it in ``bootstrap``."""
