"""XML from outside: no DTD, no entities, no network, nothing huge."""

from __future__ import annotations

from typing import Any

from lxml import etree

from integrations.exceptions import DocumentRefused, IntegrationError, RuleInvalid

Element = Any  # lxml has no types
MAX_BYTES = 64 * 1024 * 1024


class _Nowhere(etree.Resolver):
    """Whatever a document refers to is not fetched."""

    def resolve(self, url: str, public_id: str, context: Any) -> Any:
        raise OSError("references to other files are not followed")


def parser(resolver: Any = None) -> Any:
    found = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_pis=False,
        remove_comments=False,
        collect_ids=False,
    )
    found.resolvers.add(resolver or _Nowhere())
    return found


def parse(
    data: bytes,
    error_class: type[IntegrationError] = DocumentRefused,
    *,
    what: str = "The XML",
    resolver: Any = None,
    most: int = MAX_BYTES,
) -> Element:
    """The root element. Errors have line and column, and nothing of the document in them."""
    if len(data) > most:
        raise error_class(f"{what} is larger than {most // 1024**2} MB.", "too_large")
    try:
        root = etree.fromstring(data, parser(resolver))
    except etree.XMLSyntaxError as error:
        raise _syntax_error(error, error_class, what) from error
    except (ValueError, LookupError) as error:
        raise error_class(f"{what} has an encoding that cannot be read.", "xml") from error
    except OSError as error:  # of the resolver
        text = f"{what} refers to another file, which is not followed: take the DOCTYPE out."
        raise error_class(text, "doctype") from error
    if root is None:
        raise error_class(f"{what} is empty.", "xml")
    if root.getroottree().docinfo.internalDTD is not None:
        raise error_class(f"{what} may not have a DOCTYPE: take it out.", "doctype", line=1)
    return root


def _syntax_error(error: Any, error_class: type[IntegrationError], what: str) -> IntegrationError:
    line, column = error.position
    if error.code == etree.ErrorTypes.ERR_NO_MEMORY:
        raise MemoryError
    name = error.error_log.last_error.type_name if error.error_log.last_error else ""
    reason = name.removeprefix("ERR_").replace("_", " ").lower() or "not well-formed"
    # An operator's own text may be quoted to its author.
    said = str(error)[:300] if error_class is RuleInvalid else reason
    text = f"{what}: {said}. It is not well-formed XML, see line {line}."
    return error_class(text, "xml", line=line or 0, column=column or 0)


def serialised(root: Element) -> bytes:
    found: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return found


def local_name(element: Element) -> str:
    # Not by QName, which raises for a prefix that was not declared.
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def elements(parent: Element) -> list[Element]:
    """Its child elements: no comments and no processing instructions."""
    return [child for child in parent if isinstance(child.tag, str)]
