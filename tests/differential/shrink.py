"""Makes a tree that shows a difference smaller, as long as it does."""
from expressions import MATRIX, OPTION, SCALAR, VECTOR, Node

SIMPLE = {VECTOR: ("queue", "constant"), MATRIX: ("queue[5m]",), SCALAR: ("1",), OPTION: ("",)}
MOST_TRIES = 300


def nodes(tree):
    """(parent, position, node) of all below `tree`."""
    for at, part in enumerate(tree.parts):
        if isinstance(part, Node):
            yield tree, at, part
            yield from nodes(part)


def smaller(tree):
    """Changes in place, each taken back when the next is asked for."""
    holder = Node(tree.kind, tree)
    for parent, at, node in list(nodes(holder)):
        below = [part for _, _, part in nodes(node) if part.kind == node.kind]
        plain = [Node(node.kind, text) for text in SIMPLE[node.kind] if len(text) < len(str(node))]
        for candidate in below + plain:
            parent.parts[at] = candidate
            yield holder.parts[0]
            parent.parts[at] = node


def shrunk(tree, still_differs):
    tries = 0
    while True:
        for candidate in smaller(tree):
            tries += 1
            if tries > MOST_TRIES:
                return tree
            if still_differs(candidate):
                tree = candidate
                break
        else:
            return tree
