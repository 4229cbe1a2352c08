"""Compile Liquid templates to functions of the payload."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any, TextIO

from liquid import Environment, RenderContext, Token
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.echo_tag import EchoNode, EchoTag
from liquid.exceptions import LiquidError

from bridge.errors import DirectiveError, TemplateFailed
from bridge.json_text import storable
from bridge.to_voucherify.language.javascript import UNDEFINED, whole
from bridge.to_voucherify.language.liquid.expressions import check, check_source
from bridge.to_voucherify.language.liquid.filters import FILTERS
from bridge.to_voucherify.language.liquid.parts import lookup
from bridge.to_voucherify.language.liquid.printing import check_length, printed

_SYNTAX = ("content", "output", "illegal")
"""Tags of python-liquid that are syntax: text between tags, and output."""

_TAGS = (*_SYNTAX, "assign", "capture", "comment", "echo", "if", "unless", "#")
"""The tags that templates can use, beside ``raw`` of the tokenizer.

Segment has switched others off. The rest needs loops, or a scope of its own.
"""


def compile_template(source: str) -> Callable[[Any], str]:
    """Compile a template to a function of the payload, which raises ``TemplateFailed``.

    Raises:
        DirectiveError: liquidjs does not accept the template, or renders it differently.
    """
    check_source(source)
    try:
        template = _ENVIRONMENT.from_string(source)
        for node in template.nodes:
            check(node, RenderContext(template))
    except LiquidError as error:
        raise DirectiveError(f"must be a Liquid template that Segment takes: {error.message}") from None

    def render(payload: Any) -> str:
        try:
            buffer = _Buffer()
            context = _Context(template, globals=payload if isinstance(payload, dict) else {})
            template.render_with_context(context, buffer)
            return str(storable(whole(buffer.getvalue())))
        except LiquidError as error:
            # The error's text may contain values.
            raise TemplateFailed(f"fails as Liquid on this event ({type(error).__name__})") from None

    return render


class _Buffer(StringIO):
    """A buffer with a maximum length that keeps line ends."""

    def __init__(self) -> None:
        super().__init__(newline="")
        self._size = 0

    def write(self, text: str) -> int:
        self._size += len(text)
        check_length(self._size)
        return super().write(text)


class _Context(RenderContext):
    """The names of a template: those of the payload and of its assignments."""

    def get(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:  # noqa: ARG002 - python-liquid's signature
        root, steps = str(path[0]), path[1:]
        value = self.locals[root] if root in self.locals else self.globals.get(root, UNDEFINED)
        for step in steps:
            value = lookup(value, step)
        return value

    def get_buffer(self, buf: TextIO | None = None) -> _Buffer:  # noqa: ARG002 - python-liquid's signature
        return _Buffer()


class _OutputNode(OutputNode):
    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return buffer.write(printed(self.expression.evaluate(context)))


class _Output(Output):
    node_class = _OutputNode


class _EchoNode(_OutputNode, EchoNode):
    pass


class _Echo(EchoTag):
    node_class = _EchoNode


class _Environment(Environment):
    suppress_blank_control_flow_blocks = False

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        self.add_tag(_Output)
        self.add_tag(_Echo)
        self.tags = {name: self.tags[name] for name in _TAGS}
        self.filters = {name: row.apply for name, row in FILTERS.items()}


_ENVIRONMENT = _Environment(strict_filters=False)
