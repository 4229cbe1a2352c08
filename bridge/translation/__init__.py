"""Translation: from the inbox, through the pure packages, into the outbox.

    inbox.take ─▶ meaning ─▶ to_segment | to_voucherify ─▶ writing ─▶ events, deliveries

``translator`` is one thread a queue. It takes a round, translates it outside any transaction (``stepping``), and
writes it in transactions of some hundred events. A replay goes through the same stage: it is a stored event that is
translated again.

- The unit is the event: a wrong one in a batch is quarantined alone. An exception in translation names its event.
- Repeats are decided in the writing transaction, by the keys in ``seen``. If another translator has written one of
  them first, the transaction is rolled back, and decided again without translating again.
- If the database refuses the data of a batch, the batch is halved until the event that it refuses is alone.
"""

from bridge.translation.meaning import holds_none, own_bytes
from bridge.translation.stepping import Rules
from bridge.translation.translator import Translator

__all__ = ["Rules", "Translator", "holds_none", "own_bytes"]
