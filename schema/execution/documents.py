"""Documents: each text is parsed and validated once, and remembered with what its operations need."""

import gc
import hashlib
import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    InlineFragmentNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    Visitor,
    parse,
    validate,
    visit,
)

from . import errors
from .given import Variables
from .limits import Excess, Limits
from .measure import Costs, CyclicFragments, excess, fragments_of
from .plan import Plans

BYTES_OF_A_DOCUMENT, BYTES_OF_A_TOKEN, BYTES_OF_A_FIELD = 8_000, 400, 1_000
"""What a document takes beside its text, measured: when it was understood, and for each field of its plans."""

FORGOTTEN_TOGETHER = 500
"""After so many documents that were forgotten their garbage is collected, some 50 ms. What is old hangs together in
circles, which the collector, set to disturb seldom, would let grow to hundreds of megabytes."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a document: its cost, its plans, and its root fields' names whatever @skip and @include say."""

    node: OperationDefinitionNode
    type: str
    name: str | None
    root_fields: frozenset[str]
    variables: Variables
    costs: Costs
    plans: Plans


@dataclass(frozen=True, slots=True)
class Document:
    """A text as it was understood: a document and its operations, or the errors in it."""

    hash: str
    size: int = 0
    """Bytes that it takes without its plans."""

    node: DocumentNode | None = None
    operations: dict[str | None, Operation] = field(default_factory=dict)
    errors: tuple[dict[str, Any], ...] = ()

    def operation(self, name: str | None) -> Operation | None:
        """The operation of that name; with no name, the only one."""
        if name is None:
            return next(iter(self.operations.values())) if len(self.operations) == 1 else None
        return self.operations.get(name)

    @property
    def weight(self) -> int:
        """Bytes that it takes by now, about."""
        return self.size + BYTES_OF_A_FIELD * sum(one.plans.fields for one in self.operations.values())


class Documents:
    """Remembers the most recently used documents by their text, up to so many bytes in all, by their weight.

    What is wrong is not remembered: it would push out what is asked again and again.
    """

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self._schema = schema
        self._limits = limits
        self._remembered: OrderedDict[str, Document] = OrderedDict()
        self._weights: dict[str, int] = {}
        self._bytes = 0
        self._forgotten = 0

    def __contains__(self, text: str) -> bool:
        """Whether the text is remembered, so that it need not be read again."""
        return text in self._remembered

    def get(self, text: str) -> Document:
        """The document of that text, parsed and validated now or earlier."""
        document = self._remembered.get(text)
        if document is not None:
            self._remembered.move_to_end(text)
            return document
        document = self._understand(text)
        if not document.errors:
            self._remembered[text] = document
            self._weigh(text)
        return document

    def _weigh(self, text: str) -> None:
        """Note what the document weighs, now that it is new or has one more plan, and make room for it."""
        document = self._remembered.get(text)
        if document is None:
            return  # forgotten while it was used
        self._bytes += document.weight - self._weights.get(text, 0)
        self._weights[text] = document.weight
        while self._bytes > self._limits.remembered_bytes:
            forgotten, _ = self._remembered.popitem(last=False)
            self._bytes -= self._weights.pop(forgotten)
            self._forgotten += 1
            if self._forgotten % FORGOTTEN_TOGETHER == 0:
                gc.collect()

    def _understand(self, text: str) -> Document:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        if len(text) > self._limits.document_characters:
            return _wrong(digest, Excess("characters", self._limits.document_characters, len(text)))
        try:
            node = parse(text, max_tokens=self._limits.document_tokens)
        except GraphQLSyntaxError as wrong:
            return Document(digest, errors=(errors.formatted(wrong, errors.PARSE_FAILED),))
        except RecursionError:
            return Document(digest, errors=(errors.error("The document is nested too deeply.", errors.PARSE_FAILED),))
        try:
            too_much = excess(self._schema, node, self._limits)
            if too_much is not None:
                return _wrong(digest, too_much)
            is_terse = not self._limits.shows_suggestions
            found = validate(self._schema, node, max_errors=5, hide_suggestions=is_terse) or _misfits(
                node, self._limits.list_items
            )
            operations = {} if found else _operations(self._schema, node, self._limits, lambda: self._weigh(text))
        except CyclicFragments as cyclic:
            message = f"The fragment {cyclic} spreads itself."
            return Document(digest, errors=(errors.error(message, errors.VALIDATION_FAILED),))
        except RecursionError:
            message = "The document is nested too deeply."
            return Document(digest, errors=(errors.error(message, errors.VALIDATION_FAILED),))
        if found:
            return Document(digest, errors=tuple(errors.formatted(one, errors.VALIDATION_FAILED) for one in found))
        size = BYTES_OF_A_DOCUMENT + sys.getsizeof(text) + BYTES_OF_A_TOKEN * _tokens(node)
        return Document(digest, size, node, operations)


def _tokens(node: DocumentNode) -> int:
    """How many tokens a document has: its locations keep them all."""
    number, token = 0, node.loc.start_token if node.loc else None
    while token is not None:
        number, token = number + 1, token.next
    return number


def _wrong(digest: str, found: Excess) -> Document:
    return Document(digest, errors=(errors.error(found.message, errors.VALIDATION_FAILED, **found.extensions),))


def _misfits(node: DocumentNode, list_items: int) -> list[GraphQLError]:
    """Lists in the document that are too long, and texts with characters that no database keeps."""
    found: list[GraphQLError] = []

    class Values(Visitor):
        def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
            if "\0" in node.value:
                found.append(GraphQLError("A text may not contain the character U+0000.", node))

        def enter_list_value(self, node: ListValueNode, *_: Any) -> None:
            if len(node.values) > list_items:
                found.append(GraphQLError(Excess("list_items", list_items, len(node.values)).message, node))

    visit(node, Values())
    return found[:5]


def _operations(
    schema: GraphQLSchema, document: DocumentNode, limits: Limits, on_plan: Callable[[], None]
) -> dict[str | None, Operation]:
    fragments = fragments_of(document)

    def names(selections: SelectionSetNode, seen: set[str]) -> set[str]:
        found: set[str] = set()
        for selection in selections.selections:
            if isinstance(selection, FieldNode):
                found.add(selection.name.value)
            elif isinstance(selection, InlineFragmentNode):
                found |= names(selection.selection_set, seen)
            elif (name := selection.name.value) not in seen:  # type: ignore[attr-defined]
                seen.add(name)
                found |= names(fragments[name].selection_set, seen)
        return found

    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    return {
        (d.name.value if d.name else None): Operation(
            d,
            d.operation.value,
            d.name.value if d.name else None,
            frozenset(names(d.selection_set, set())),
            Variables(schema, d, hide_suggestions=not limits.shows_suggestions),
            Costs(schema, document, d),
            Plans(
                schema,
                d,
                fragments,
                largest=limits.plan_fields,
                hide_suggestions=not limits.shows_suggestions,
                on_plan=on_plan,
            ),
        )
        for d in operations
    }
