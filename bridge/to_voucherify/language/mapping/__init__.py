"""Compile mappings: payloads, in Segment's mapping language.

    >>> mapping = compile_mapping({"email": {"@path": "$.traits.email"}, "says": {"@template": "I am {{userId}}"}})
    >>> mapping({"userId": "user-1", "traits": {}})
    {'says': 'I am user-1'}

A mapping returns what it returns at Segment, whose engine is `@segment/actions-core` 3.170.0, or fails where it fails
there. The compiler refuses a mapping that fails there for every event. It also refuses mistakes that Segment ignores:
a mapping that is not an object, `ENCODE` for encode, `LEFT` for left, and mistakes in a branch that never runs.

    compile     a mapping → a function, in one walk; reports every problem
    places      the place of a part in a mapping, and the rules that apply there
    arguments   the arguments of directives: kinds and uses
    directives  the directives, one row each
    choices     @path, @literal, @if
    texts       @template, @case, @liquid
    replacing   @replace
    shapes      @json, @flatten, @merge, @arrayPath, @transform, @excludeWhenNull
    paths       $.context.page.url → a function

Differences from Segment: half a character, which only an index into a text returns, is U+FFFD. Members that values
inherit (`constructor`, a text's `trim`) do not exist. A text has at most a million characters.
"""

from bridge.to_voucherify.language.javascript import UNDEFINED
from bridge.to_voucherify.language.mapping.compile import compile_mapping

__all__ = ["UNDEFINED", "compile_mapping"]
