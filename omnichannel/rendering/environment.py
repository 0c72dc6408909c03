"""The template language: Jinja2 without anything that calls, imports or multiplies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, nodes, pass_context
from jinja2.exceptions import TemplateRuntimeError
from jinja2.lexer import Lexer
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from omnichannel.exceptions import TemplateError
from omnichannel.rendering.allowed import check_tree, guard_loops
from omnichannel.rendering.filters import FILTERS, TESTS, clock

MAX_OUTPUT = 2_000_000  # characters of one rendered part
MAX_STEPS = 100_000  # loop turns, weighed by the size of the loop's body
LOOK_EVERY = 50  # pieces between two looks at clock and size: a look costs as much as ten
LOOP_FIELDS = frozenset(
    {"index", "index0", "revindex", "revindex0", "first", "last", "length", "cycle"}
)
# What a template can raise while it runs; anything else is a fault of ours.
FAULTS = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError)


class Position(int):
    """A line number that knows its column: Jinja hands it on to every node and error."""

    column: int

    def __new__(cls, line: int, column: int) -> Position:
        position = super().__new__(cls, line)
        position.column = column
        return position


class PositionLexer(Lexer):
    def tokeniter(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> Iterator[tuple[int, str, str]]:
        source = source.replace("\r\n", "\n").replace("\r", "\n")
        at = line_start = 0
        try:
            for line, token, value in super().tokeniter(source, name, filename, state):
                # Whitespace control drops characters: look for the value from here on.
                found = max(at, source.find(value, at))
                line_start = max(line_start, source.rfind("\n", at, found) + 1)
                yield Position(line, found - line_start + 1), token, value
                at = found + len(value)
                line_start = max(line_start, source.rfind("\n", found, at) + 1)
        except TemplateSyntaxError as error:
            if not isinstance(error.lineno, Position):
                error.lineno = Position(error.lineno, at - line_start + 1)
            raise


class Unknown(StrictUndefined):
    @property
    def _undefined_message(self) -> str:
        return f'Unknown variable "{self._undefined_name}".'


class Turns(list[Any]):
    """What a loop runs over; each turn looks at the clock."""

    def __iter__(self) -> Iterator[Any]:
        for item in super().__iter__():
            clock.check()
            yield item


class Steps:
    """How much work one rendering may still do."""

    def __init__(self) -> None:
        self.left = MAX_STEPS

    def spend(self, amount: int) -> None:
        self.left -= amount
        if self.left < 0:
            raise ValueError("the loops run too often")


@pass_context
def bounded_loop(context: Context, value: Any, weight: int) -> Any:
    """What a loop runs over: a list of the variables, paid for before the first turn."""
    if isinstance(value, StrictUndefined):
        return value
    if not isinstance(value, list | tuple | dict):
        raise TypeError("a loop needs a list")
    context.parent["_steps"].spend(len(value) * weight)
    return Turns(value)


class Language(ImmutableSandboxedEnvironment):
    def __init__(self, *, autoescape: bool) -> None:
        super().__init__(
            autoescape=autoescape,
            undefined=Unknown,
            optimized=False,
            cache_size=0,
            keep_trailing_newline=True,
            finalize=blank_none,
        )
        self.globals = {}
        self.filters = {**FILTERS, "_loop": bounded_loop}
        self.tests = dict(TESTS)

    @property
    def lexer(self) -> Lexer:
        return PositionLexer(self)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Keys and positions only: no attribute or method of a value can be reached."""
        if isinstance(obj, StrictUndefined):
            return obj
        if isinstance(obj, dict | list | tuple | str):
            try:
                return obj[argument]
            except (LookupError, TypeError):
                label = getattr(obj, "label", "")
                return self.undefined(name=f"{label}.{argument}" if label else argument)
        if isinstance(obj, LoopContext) and argument in LOOP_FIELDS:
            return getattr(obj, argument)
        return self.undefined(obj=obj, name=argument)

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def tree(self, source: str) -> nodes.Template:
        """The checked syntax tree. Raises TemplateError with line and column."""
        try:
            tree = self.parse(source)
        except TemplateSyntaxError as error:
            raise located(error.message or "Not a valid template.", error.lineno) from error
        except (RecursionError, ValueError) as error:
            raise TemplateError("The template is nested too deeply.") from error
        check_tree(tree)
        return tree

    def load(self, source: str) -> Template:
        """Compile a source that `check` has passed before."""
        tree = self.tree(source)
        guard_loops(tree)
        try:
            code = self.compile(tree)
        except (SyntaxError, RecursionError, *FAULTS) as error:
            raise TemplateError(f"The template cannot be used: {error}") from error
        return self.template_class.from_code(self, code, {})


def blank_none(value: Any) -> Any:
    return "" if value is None else value


def located(text: str, line: int | None) -> TemplateError:
    return TemplateError(text, line=line, column=getattr(line, "column", None))


def run(template: Template, names: Mapping[str, Any]) -> str:
    """One part as a whole. Raises TemplateError."""
    return "".join(run_in_pieces(template, names))


def run_in_pieces(template: Template, names: Mapping[str, Any]) -> list[str]:
    """Render one part with a running limit on its size. Raises TemplateError.

    Its constant pieces are the same objects in every message.
    """
    context = template.new_context({**names, "_steps": Steps()}, shared=True)
    pieces: list[str] = []
    size = 0
    clock.start()
    try:
        running = template.root_render_func(context)
        while some := list(islice(running, LOOK_EVERY)):
            clock.check()
            pieces += some
            size += sum(map(len, some))
            if size > MAX_OUTPUT:
                raise TemplateError(f"The result is longer than {MAX_OUTPUT:,} characters.")
    except (TemplateRuntimeError, *FAULTS) as error:
        raise located(str(error)[:300], line_of(template, error)) from error
    return pieces


def line_of(template: Template, error: Exception) -> int | None:
    """The source line that was running when `error` was raised."""
    trace = error.__traceback__
    line = None
    while trace is not None:
        if trace.tb_frame.f_globals.get("__jinja_template__") is template:
            line = template.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return line


HTML = Language(autoescape=True)
TEXT = Language(autoescape=False)
