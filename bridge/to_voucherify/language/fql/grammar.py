"""Parse tokens to conditions and groups, and refuse misleading joints.

A level is members joined by `and` (also `AND`, or a comma) or joined by `or`, never both. A member is a condition or,
outside parentheses, a level in parentheses. A condition is `path sign operand` or `function(path, "text")`. A function
can be negated.
"""

from __future__ import annotations

import re
from typing import Literal, NoReturn

from bridge.errors import TriggerError
from bridge.to_voucherify.language.fql.conditions import KEYWORDS, Condition, Group, Joint
from bridge.to_voucherify.language.fql.operators import FIELDS, FUNCTIONS, Operand
from bridge.to_voucherify.language.fql.paths import read_path
from bridge.to_voucherify.language.fql.refusals import check_pattern, operator_for
from bridge.to_voucherify.language.fql.tokens import Token, read_tokens

_JOINTS: dict[str, Joint] = {"and": "and", "or": "or", ",": "and"}
_CONSTANTS: dict[str, Operand] = {"true": True, "false": False, "null": None}
_CONDITION = 'write a condition such as type = "track"'

# Unquoted words that Segment compares as text, though they look like another value. Its reader drops letters of short
# words that begin with a or n: `= no` compares with "n".
_NO_WORD = re.compile(r"(?i:true|false|null|nil|none|undefined|and|or|not)\Z|[an][\w-]{,2}\Z|.*[.\\]", re.DOTALL)


def parse(text: str) -> Condition | Group:
    """Parse the conditions of a trigger, or raise TriggerError."""
    parser = _Parser(text)
    level = parser.level()
    if parser.token.kind == "close":
        parser.refuse("this parenthesis closes nothing", "remove it, or open it before a condition")
    return level


class _Parser:
    """The tokens of a trigger, and the position of the parser."""

    def __init__(self, text: str) -> None:
        self._tokens = read_tokens(text)
        self.token = next(self._tokens)

    def level(self, *, inside: bool = False) -> Condition | Group:
        """Parse all members up to the end, or to the parenthesis that closes the group."""
        members = [self._member(inside=inside)]
        joint: Joint | None = None
        while self.token.kind not in {"close", "end"}:
            joint = self._joint(joint)
            members.append(self._member(inside=inside))
        return Group(joint, tuple(members)) if joint else members[0]

    def _joint(self, before: Joint | None) -> Joint:
        source = self.token.source
        # Segment skips AND in capitals and commas, and joins by and what nothing joins.
        joint = _JOINTS.get("and" if source.lower() == "and" else source)
        if joint is None:
            if source.lower() == "or":
                self.refuse("Segment skips OR in capitals, and joins everything by and", "write or")
            self.refuse("and or or is missing: Segment would read and", "join conditions by and, or by or")
        if before and joint != before:
            self.refuse(
                f"and and or mixed on one level: Segment joins all of it by the last, {joint}",
                'set one kind in parentheses: type = "track" and (event = "A" or event = "B")',
            )
        position = self._take().position
        if source != "," and self.token.kind != "end" and self.token.position == position + len(joint):
            self.refuse(f"Segment skips {joint} unless white space follows", "put a space here")
        return joint

    def _member(self, *, inside: bool) -> Condition | Group:
        if self.token.kind == "open":
            return self._group(inside=inside)
        if self.token.kind == "negation":
            return self._negated(inside=inside)
        word = self._expect("word", "a condition is missing here", _CONDITION)
        if word.source in KEYWORDS:
            self.refuse(f"{word.source} cannot begin a condition", _CONDITION, word)
        if self.token.kind == "open":
            return self._call(word, "", inside=inside)
        return self._comparison(word)

    def _group(self, *, inside: bool) -> Condition | Group:
        if inside:
            self.refuse("parentheses within parentheses are an error at Segment", "use one level of parentheses")
        opening = self._take()
        level = self.level(inside=True)
        if self.token.kind == "end":
            self.refuse("this parenthesis is not closed", "add the ) that belongs to it", opening)
        self._take()
        return level

    def _negated(self, *, inside: bool) -> Condition:
        negation = self._take()
        word = self.token
        if word.source not in FUNCTIONS:
            self.refuse(
                "Segment skips this !, and asks for the opposite",
                "only !contains(…) and !match(…) can be negated; write != elsewhere",
                negation,
            )
        self._take()
        return self._call(word, negation.source, inside=inside)

    def _call(self, function: Token, negation: str, *, inside: bool) -> Condition:
        if function.source not in FUNCTIONS:
            self.refuse(
                f"triggers know no function {function.source:.40}(), and Segment skips it",
                "use contains() or match(); other functions are for destination filters",
                function,
            )
        form = f'write {function.source}(path, "text")'
        self._expect("open", f"{function.source} needs its arguments", form)
        path = read_path(self._expect("word", "a path belongs here", form))
        self._expect("comma", "a comma belongs here", form)
        position = self.token.position
        operand = self._operand()
        operator = operator_for(path, negation + function.source, operand, position)
        if function.source == "match":
            check_pattern(str(operand), position + 1)
        closing = self._expect("close", f"{function.source}() ends with a )", form)
        if inside and self.token.kind in {"word", "comma"}:
            self.refuse(
                "Segment takes this ) for the end of the group",
                "let a group end with its only contains() or match()",
                closing,
            )
        return Condition(path, operator, operand)

    def _comparison(self, word: Token) -> Condition:
        path = read_path(word)
        sign = self._expect("sign", "an operator belongs here", "write one of = != < <= > >=, or contains() or match()")
        operand_at = self.token
        operand = self._operand()
        at = operand_at if sign.source in {"=", "!="} else sign
        return Condition(path, operator_for(path, sign.source, operand, at.position), operand)

    def _operand(self) -> Operand:
        token = self._take()
        if token.kind == "text":
            return token.source[1:-1]
        if token.kind == "number":
            return self._number(token)
        if token.kind != "word":
            self.refuse("a value belongs here", 'write a "text", a number, true, false or null', token)
        if token.source in _CONSTANTS:
            return _CONSTANTS[token.source]
        if _NO_WORD.match(token.source) or token.source in {*FIELDS, *FUNCTIONS} or self.token.kind == "open":
            self.refuse(
                "without quotes this is a text, or part of one",
                "put a text in double quotes, write true, false and null in small letters; "
                "a path cannot be compared with another",
                token,
            )
        return token.source

    def _number(self, token: Token) -> float:
        number = float(token.source)
        if abs(number) >= 2**53:
            self.refuse(
                "JavaScript confuses whole numbers of this size",
                "compare a text in double quotes if events hold it as text, or use < or > with a smaller number",
                token,
            )
        return number

    def _expect(self, kind: Literal["word", "sign", "open", "comma", "close"], reason: str, remedy: str) -> Token:
        if self.token.kind != kind:
            self.refuse(reason, remedy)
        return self._take()

    def _take(self) -> Token:
        token = self.token
        if token.kind != "end":
            self.token = next(self._tokens)
        return token

    def refuse(self, reason: str, remedy: str, token: Token | None = None) -> NoReturn:
        """Raise TriggerError at a token, the next by default."""
        raise TriggerError((token or self.token).position, reason, remedy)
