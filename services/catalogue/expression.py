"""The small language in which the catalogue says when something applies.

    expression := term ("or" term)*            term := factor ("and" factor)*
    factor := "not" factor | "(" expression ")" | operand [("==" | "!=" | "in" | "not" "in") (operand | list)]
    operand := name | "text" | number | true | false

Names are fields of the profile or of an entry (`category`, `path`). Nothing is evaluated as Python. A text is at
most 500 characters and 12 levels deep; comparing an unknown name is an error, found when the catalogue is loaded.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Value = str | int | float | bool | None
Names = Mapping[str, Value]
_Evaluate = Callable[[Names], Value]

MAX_CHARACTERS = 500
MAX_DEPTH = 12
_TOKEN = re.compile(
    r"\s*(?:(?P<op>==|!=|\(|\)|\[|\]|,)|(?P<text>\"[^\"]*\")|(?P<number>\d+(?:\.\d+)?)|(?P<word>[A-Za-z_][A-Za-z0-9_]*))"
)
_KEYWORDS = frozenset({"and", "or", "not", "in", "true", "false"})


class ExpressionError(ValueError):
    """The text is no expression; `column` counts from 1."""

    def __init__(self, message: str, column: int) -> None:
        """`message` says what was expected."""
        super().__init__(f"{message} at column {column}")
        self.column = column


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression: its text, the names it needs, and its value for given names."""

    text: str
    names: frozenset[str]
    _evaluate: _Evaluate

    def holds(self, names: Names) -> bool:
        """Whether it is true. A name that is not given counts as absent: false, and equal to nothing."""
        return bool(self._evaluate(names))


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int


def _tokens(text: str) -> list[_Token]:
    found, position = [], 0
    stripped = text.rstrip()
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None:
            rest = stripped[position:].lstrip()
            raise ExpressionError(f"unexpected {rest[:1]!r}", len(stripped) - len(rest) + 1)
        kind = match.lastgroup or ""
        word = match.group(kind)
        if kind == "word" and word in _KEYWORDS:
            kind = "op"
        found.append(_Token(kind, word, match.start(kind) + 1))
        position = match.end()
    return found


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0
        self.names: set[str] = set()

    def _peek(self) -> str:
        token = self._tokens[self._at] if self._at < len(self._tokens) else None
        return token.text if token is not None and token.kind == "op" else ""

    def _take(self, *wanted: str) -> bool:
        if self._peek() not in wanted:
            return False
        self._at += 1
        return True

    def _fail(self, expected: str) -> ExpressionError:
        column = self._tokens[self._at].column if self._at < len(self._tokens) else len(self._text) + 1
        return ExpressionError(f"expected {expected}", column)

    def whole(self) -> _Evaluate:
        parsed = self._any()
        if self._at < len(self._tokens):
            raise self._fail("the end")
        return parsed

    def _any(self) -> _Evaluate:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._fail(f"at most {MAX_DEPTH} levels")
        terms = [self._all()]
        while self._take("or"):
            terms.append(self._all())
        self._depth -= 1
        return terms[0] if len(terms) == 1 else lambda names: any(term(names) for term in terms)

    def _all(self) -> _Evaluate:
        factors = [self._factor()]
        while self._take("and"):
            factors.append(self._factor())
        return factors[0] if len(factors) == 1 else lambda names: all(factor(names) for factor in factors)

    def _factor(self) -> _Evaluate:
        if self._take("not"):
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise self._fail(f"at most {MAX_DEPTH} levels")
            inner = self._factor()
            self._depth -= 1
            return lambda names: not inner(names)
        if self._take("("):
            inner = self._any()
            if not self._take(")"):
                raise self._fail("')'")
            return inner
        return self._comparison(self._operand())

    def _comparison(self, left: _Evaluate) -> _Evaluate:
        if self._take("=="):
            right = self._operand()
            return lambda names: left(names) == right(names)
        if self._take("!="):
            right = self._operand()
            return lambda names: left(names) != right(names)
        negated = self._peek() == "not"
        if negated:
            self._at += 1
        if self._take("in"):
            members = self._list()
            return lambda names: (left(names) in [member(names) for member in members]) is not negated
        if negated:
            raise self._fail("'in'")
        return left

    def _list(self) -> list[_Evaluate]:
        if not self._take("["):
            raise self._fail("'['")
        members = [self._operand()]
        while self._take(","):
            members.append(self._operand())
        if not self._take("]"):
            raise self._fail("']'")
        return members

    def _operand(self) -> _Evaluate:
        if self._peek() in ("true", "false"):
            value = self._tokens[self._at].text == "true"
            self._at += 1
            return lambda _names: value
        token = self._tokens[self._at] if self._at < len(self._tokens) else None
        if token is None or token.kind == "op":
            raise self._fail("a name, a text or a number")
        self._at += 1
        if token.kind == "word":
            self.names.add(token.text)
            return lambda names: names.get(token.text)
        literal: Value = token.text[1:-1] if token.kind == "text" else float(token.text)
        return lambda _names: literal


def parse(text: str) -> Expression:
    """Parse `text`; "always" is true for everybody. Raises `ExpressionError`."""
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(f"longer than {MAX_CHARACTERS} characters", MAX_CHARACTERS + 1)
    if text.strip() == "always":
        return Expression(text, frozenset(), lambda _names: True)
    parser = _Parser(text)
    evaluate = parser.whole()
    return Expression(text, frozenset(parser.names), evaluate)
