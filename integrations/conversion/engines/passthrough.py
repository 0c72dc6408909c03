"""Nothing is changed: out, the file becomes an envelope's document; in, the document goes on."""

from __future__ import annotations

from collections.abc import Callable

from integrations.conversion.engines.task import Made, Task
from integrations.conversion.native import Document, NativeEnvelope
from integrations.conversion.native_reading import parse_native
from integrations.exceptions import ConversionFailed


def compiled(body: str, output: str) -> Callable[[Task, Document], Made]:
    """The body is not looked at."""
    return outward if output == "native" else inward


def outward(task: Task, source: Document) -> Made:
    return Made(envelopes=(NativeEnvelope(source.name, documents=(source,)),))


def inward(task: Task, source: Document) -> Made:
    """To xml the envelope itself goes, to all else its only document."""
    if task.output == "xml":
        return Made(text=source.content)
    documents = [document for each in parse_native(source.content) for document in each.documents]
    if len(documents) != 1:
        text = f"The envelope has {len(documents)} documents; passthrough needs just one."
        raise ConversionFailed(text, "documents")
    return Made(text=documents[0].content)
