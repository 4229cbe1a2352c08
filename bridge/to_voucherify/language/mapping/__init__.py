"""Mappings: how a payload is made of an event, written in Segment's mapping language.

    >>> mapping = compile_mapping({"email": {"@path": "$.traits.email"}, "says": {"@template": "I am {{userId}}"}})
    >>> mapping({"userId": "user-1", "traits": {}})
    {'says': 'I am user-1'}

A mapping makes what it makes at Segment, whose engine is `@segment/actions-core` 3.170.0, or fails where it fails
there. What fails there whatever the event is refused when the mapping is compiled, and so is what can only be a slip:
a mapping that is no object, `ENCODE` for encode or `LEFT` for left (there, nothing and right), a mistake in a branch
that is never taken.

    compile     a mapping → a function, in one walk; gathers every problem
    places      where something stands in a mapping, and what that means for it
    arguments   what a directive's arguments can be, and are for
    directives  the directives: a row each
    choices     @path, @literal, @if
    texts       @template, @case, @liquid
    replacing   @replace
    shapes      @json, @flatten, @merge, @arrayPath, @transform, @excludeWhenNull
    paths       $.context.page.url → a function

Where the bridge differs: half a character, which only an index into a text can find, is U+FFFD; what JavaScript's
values inherit (`constructor`, a text's `trim`) is not there; no text grows beyond a million characters.
"""

from bridge.to_voucherify.language.javascript import UNDEFINED
from bridge.to_voucherify.language.mapping.compile import compile_mapping

__all__ = ["UNDEFINED", "compile_mapping"]
