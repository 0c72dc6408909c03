"""What a template may be built of. What is not listed here is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from jinja2 import nodes

from omnichannel.exceptions import TemplateError
from omnichannel.rendering.filters import FILTERS, TESTS

MAX_NODES = 20_000
MAX_DEPTH = 40
MAX_LOOP_DEPTH = 3
RESERVED = frozenset({"self", "super", "caller", "varargs", "kwargs"})

ALLOWED: tuple[type[nodes.Node], ...] = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Filter,
    nodes.Test,
    nodes.If,
    nodes.CondExpr,
    nodes.For,
    nodes.Assign,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Neg,
    nodes.List,
    nodes.Tuple,
    nodes.Keyword,
    nodes.Call,
)
SAID: dict[type[nodes.Node], str] = {
    nodes.Add: "Adding with +",
    nodes.AssignBlock: "{% set %} with a body",
    nodes.Block: "{% block %}",
    nodes.CallBlock: "{% call %}",
    nodes.Concat: "Joining with ~",
    nodes.Extends: "{% extends %}",
    nodes.FilterBlock: "{% filter %}",
    nodes.FromImport: "{% from %}",
    nodes.Import: "{% import %}",
    nodes.Include: "{% include %}",
    nodes.Macro: "{% macro %}",
    nodes.Mul: "Multiplying with *",
    nodes.Slice: "Slicing with [:]",
    nodes.With: "{% with %}",
}


def check_tree(tree: nodes.Template) -> None:
    """Raises TemplateError for the first thing that is not allowed."""
    for count, (node, depth, loops) in enumerate(walk(tree)):
        if count > MAX_NODES or depth > MAX_DEPTH:
            raise TemplateError("The template is too large or nested too deeply.")
        if loops > MAX_LOOP_DEPTH:
            raise refusal(f"More than {MAX_LOOP_DEPTH} loops inside one another", node)
        if not isinstance(node, ALLOWED):
            raise refusal(SAID.get(type(node), type(node).__name__), node)
        check_node(node)


def walk(tree: nodes.Node) -> Iterator[tuple[nodes.Node, int, int]]:
    """Every node with its depth and the loops around it; without recursion."""
    waiting = [(tree, 0, 0)]
    while waiting:
        node, depth, loops = waiting.pop()
        yield node, depth, loops
        inner = loops + isinstance(node, nodes.For)
        children = [(child, depth + 1, inner) for child in node.iter_child_nodes()]
        waiting.extend(reversed(children))


def check_node(node: nodes.Node) -> None:
    check = CHECKS.get(type(node))
    if check is not None:
        check(node)


def check_word(node: nodes.Name) -> None:
    check_name(node.name, node)


def check_attribute(node: nodes.Getattr) -> None:
    check_name(node.attr, node)


def check_name(name: str, node: nodes.Node) -> None:
    if name.startswith("_") or name in RESERVED:
        raise refusal(f'The name "{name}"', node)


def check_key(node: nodes.Getitem) -> None:
    key = node.arg
    if isinstance(key, nodes.Const) and isinstance(key.value, int | str):
        check_name(str(key.value), node)
    elif not is_path(key):
        raise refusal("This kind of index", node)


def check_filter(node: nodes.Filter) -> None:
    if node.node is None or node.name not in FILTERS:
        raise refusal(f'The filter "{node.name}"', node)
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        raise refusal("* in a filter", node)


def check_test(node: nodes.Test) -> None:
    if node.name not in TESTS:
        raise refusal(f'The test "{node.name}"', node)


def check_call(node: nodes.Call) -> None:
    target = node.node
    is_cycle = (
        isinstance(target, nodes.Getattr)
        and target.attr == "cycle"
        and isinstance(target.node, nodes.Name)
        and target.node.name == "loop"
    )
    if not is_cycle or node.kwargs or node.dyn_args is not None or node.dyn_kwargs is not None:
        raise refusal("Calling something with ( )", node)


def check_loop(node: nodes.For) -> None:
    if node.recursive:
        raise refusal("A recursive loop", node)
    if not is_path(node.iter):
        raise refusal("A loop over anything but a variable", node)


def check_set(node: nodes.Assign) -> None:
    if not isinstance(node.target, nodes.Name):
        raise refusal("{% set %} of several names", node)


def check_minus(node: nodes.Neg) -> None:
    if not isinstance(node.node, nodes.Const):
        raise refusal("A minus sign before a variable", node)


def check_list(node: nodes.List | nodes.Tuple) -> None:
    simple = (nodes.Const, nodes.Name, nodes.Neg)
    if len(node.items) > 50 or not all(isinstance(item, simple) for item in node.items):
        raise refusal("This kind of list", node)


CHECKS: dict[type[nodes.Node], Callable[..., None]] = {
    nodes.Name: check_word,
    nodes.Getattr: check_attribute,
    nodes.Getitem: check_key,
    nodes.Filter: check_filter,
    nodes.Test: check_test,
    nodes.Call: check_call,
    nodes.For: check_loop,
    nodes.Assign: check_set,
    nodes.List: check_list,
    nodes.Tuple: check_list,
    nodes.Neg: check_minus,
}


def is_path(node: nodes.Node) -> bool:
    """A variable, or a part of one: items, order.lines, rows[0]."""
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        node = node.node
    return isinstance(node, nodes.Name)


def guard_loops(tree: nodes.Template) -> None:
    """Make every loop pay for its turns, weighed by the size of its body."""
    for loop in list(tree.find_all(nodes.For)):
        weight = sum(1 for _ in walk(loop))
        arguments = [nodes.Const(weight)]
        loop.iter = nodes.Filter(loop.iter, "_loop", arguments, [], None, None, lineno=loop.lineno)


def refusal(what: str, node: nodes.Node) -> TemplateError:
    return TemplateError(
        f"{what} is not allowed in templates.",
        line=node.lineno,
        column=getattr(node.lineno, "column", None),
    )
