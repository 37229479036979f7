"""`PrefixIndex`: what the KV cache holds, as a radix tree over token ids.

Each node stands for a run of cells: its tokens at their positions, behind those of its ancestors. A
new request holds the cells of its longest match as well as their other holders do; nothing is
copied. What it computes itself goes to its own leaf, its *tail*, and can be matched by others at
once. When it ends, its tail stays as a cached leaf until the room is needed.

Who holds what: a sequence of llama.cpp holds all cells from the root to the node that names it, and
- every running request's tail names one;
- every pinned node names one;
- every other node names one just when nothing depends on it.
So each cell of the tree is held by a sequence below it, and freed with the last of them.

Two requests may compute the same tokens at the same time. Only one tail can be found under a token;
the other stays unlisted, and when it ends, what it has twice is exchanged for what is listed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from assistant.engine.backend import Memory
from assistant.engine.errors import CacheFull


class Node:
    """A run of cells: `tokens` at positions `start` and on."""

    __slots__ = (
        "dependents",
        "is_pinned",
        "is_running",
        "last_used",
        "listed",
        "parent",
        "seq",
        "start",
        "tokens",
    )

    def __init__(self, parent: Node | None, start: int, tokens: list[int]) -> None:
        self.parent = parent
        self.start = start
        self.tokens = tokens
        self.listed: dict[int, Node] = {}
        """The children that can be matched, by their first token."""
        self.dependents: set[Node] = set()
        """All children, listed or not."""
        self.seq: int | None = None
        self.is_running = False
        self.is_pinned = False
        self.last_used = 0

    @property
    def end(self) -> int:
        """The position behind the last cell."""
        return self.start + len(self.tokens)

    @property
    def is_evictable(self) -> bool:
        """Whether the cells are kept only because they may be of use again."""
        return not (self.dependents or self.is_running or self.is_pinned or self.parent is None)


class PrefixIndex:
    """The cells of `memory`, shared by whatever begins alike. Belongs to the owner thread."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._clock = itertools.count(1)
        self._root = Node(None, 0, [])
        self._ends: set[Node] = set()
        self._free_seqs = list(range(memory.max_sequences))
        self.num_used = 0

    @property
    def num_free(self) -> int:
        """Cells that nothing holds."""
        return self._memory.num_cells - self.num_used

    @property
    def num_evictable(self) -> int:
        """Cells that nothing needs any more, so that eviction can free them."""
        return _evictable(self._root)[0]

    @property
    def num_pinned(self) -> int:
        """Cells that only unpinning would free."""
        pins = [end for end in self._ends if end.is_pinned]
        return sum(len(node.tokens) for node in {n for pin in pins for n in _path(pin)})

    def match(self, tokens: Sequence[int]) -> int:
        """How many of the first `tokens` are in the cache."""
        node, offset = self._walk(self._root, tokens)
        return node.start + offset

    def begin(self, tokens: Sequence[int]) -> Node:
        """A tail behind the longest match of `tokens`; its `start` says how long that is.

        Raises CacheFull when there is no sequence left for it.
        """
        seq = self._take_seq()
        parent = self._cut(*self._walk(self._root, tokens))
        if parent.end:
            self._memory.share(self._holder(parent), seq, 0, parent.end)
        tail = Node(parent, parent.end, [])
        tail.seq, tail.is_running = seq, True
        parent.dependents.add(tail)
        self._ends.add(tail)
        self._give_up_seq(parent)
        self._touch(tail)
        return tail

    def extend(self, tail: Node, tokens: Sequence[int]) -> None:
        """Take note that `tokens` were computed at the end of `tail`."""
        if not tokens:
            return
        tail.tokens += tokens
        self.num_used += len(tokens)
        if tail.parent is not None:
            tail.parent.listed.setdefault(tail.tokens[0], tail)

    def forget_beyond(self, tail: Node) -> None:
        """Free what was computed behind the end of `tail` and not taken note of."""
        assert tail.seq is not None
        self._memory.release(tail.seq, tail.end)

    def finish(self, tail: Node) -> None:
        """Keep what `tail` computed, for others to match, until the room is needed."""
        tail.is_running = False
        self._touch(tail)
        if not self._is_listed(tail):
            self._merge(tail)
        if tail.tokens:
            self._join(_parent(tail))
        else:
            self._remove(tail)

    def drop(self, tail: Node) -> None:
        """Free what only `tail` needed, at once."""
        tail.is_running = False
        self._remove(tail)

    def pin(self, tail: Node) -> Node:
        """End `tail`, and keep all up to its end for good; the node that stands for it."""
        tokens = self.path(tail)
        # Before the search: it may evict.
        seq = self._take_seq()
        self.finish(tail)
        node = self._cut(*self._walk(self._root, tokens))
        if node.seq is None:
            self._memory.share(self._holder(node), seq, 0, node.end)
            node.seq = seq
            self._ends.add(node)
        else:
            self._free_seq(seq)
        node.is_pinned = True
        return node

    def unpin(self, node: Node) -> None:
        """Let `node` be evicted like any other."""
        node.is_pinned = False
        self._give_up_seq(node)

    def reserve(self, num_cells: int) -> bool:
        """Evict what was not used for longest until `num_cells` are free; False when it cannot."""
        while self.num_free < num_cells:
            leaf = self._oldest_leaf()
            if leaf is None:
                return False
            self._trim(leaf, num_cells - self.num_free)
        return True

    def clear(self) -> None:
        """Forget everything: after a failure nobody knows what the cells hold."""
        for seq in range(self._memory.max_sequences):
            self._memory.release(seq, 0)
        self._root = Node(None, 0, [])
        self._ends.clear()
        self._free_seqs = list(range(self._memory.max_sequences))
        self.num_used = 0

    def path(self, node: Node) -> list[int]:
        """All tokens from the beginning to the end of `node`."""
        return [token for part in reversed(list(_path(node))) for token in part.tokens]

    def nodes(self) -> Iterator[Node]:
        """Every node but the root, parents first."""
        found = [self._root]
        while found:
            node = found.pop()
            found += node.dependents
            if node is not self._root:
                yield node

    def _walk(self, node: Node, tokens: Sequence[int]) -> tuple[Node, int]:
        """Where the longest match of `tokens`, which begin behind `node`, ends: node and offset."""
        matched = 0
        offset = len(node.tokens)
        while matched < len(tokens) and (child := node.listed.get(tokens[matched])) is not None:
            node = child
            offset = common_length(node.tokens, tokens[matched : matched + len(node.tokens)])
            matched += offset
            if offset < len(node.tokens):
                break
        return node, offset

    def _cut(self, node: Node, offset: int) -> Node:
        """A node that ends `offset` tokens into `node` and that others may depend on.

        Nothing may depend on a running tail, because it grows: one is cut even at its end.
        """
        if offset == len(node.tokens) and not node.is_running:
            return node
        upper = Node(node.parent, node.start, node.tokens[:offset])
        upper.last_used = node.last_used
        upper.dependents = {node}
        parent = _parent(node)
        parent.dependents.discard(node)
        parent.dependents.add(upper)
        parent.listed[upper.tokens[0]] = upper
        node.parent, node.start, node.tokens = upper, upper.end, node.tokens[offset:]
        if node.tokens:
            upper.listed[node.tokens[0]] = node
        return upper

    def _holder(self, node: Node) -> int:
        """A sequence that holds the cells up to the end of `node`."""
        while node.seq is None:
            node = next(iter(node.dependents))
        return node.seq

    def _merge(self, tail: Node) -> None:
        """List the unlisted `tail`, exchanging what is listed already for that."""
        assert tail.seq is not None
        node, offset = self._walk(_parent(tail), tail.tokens)
        known = node.start + offset - tail.start
        if known == len(tail.tokens):
            self._forget_tokens(tail)
            return
        parent = self._cut(node, offset)
        if known:
            self._memory.release(tail.seq, tail.start, parent.end)
            self._memory.share(self._holder(parent), tail.seq, tail.start, parent.end)
            self.num_used -= known
        _parent(tail).dependents.discard(tail)
        tail.parent, tail.start, tail.tokens = parent, parent.end, tail.tokens[known:]
        parent.dependents.add(tail)
        parent.listed[tail.tokens[0]] = tail
        self._give_up_seq(parent)

    def _remove(self, leaf: Node) -> None:
        """Free the cells of `leaf`, on which nothing depends; its sequence passes to its parent
        when that would otherwise be held by none."""
        assert leaf.seq is not None
        self._forget_tokens(leaf)
        parent = _parent(leaf)
        parent.dependents.discard(leaf)
        self._ends.discard(leaf)
        if parent is self._root or parent.dependents or parent.seq is not None:
            self._free_seq(leaf.seq)
        else:
            parent.seq = leaf.seq
            self._ends.add(parent)
        leaf.seq = None
        self._join(parent)

    def _join(self, node: Node) -> None:
        """Make one of `node` and the only node that depends on it, when nothing needs the cut."""
        if node is self._root or node.is_pinned or len(node.dependents) != 1:
            return
        child = next(iter(node.dependents))
        if child.is_running or not self._is_listed(child):
            return
        parent = _parent(node)
        parent.dependents.discard(node)
        parent.dependents.add(child)
        parent.listed[node.tokens[0]] = child
        child.parent, child.start, child.tokens = parent, node.start, node.tokens + child.tokens

    def _forget_tokens(self, leaf: Node) -> None:
        assert leaf.seq is not None
        if self._is_listed(leaf):
            del _parent(leaf).listed[leaf.tokens[0]]
        self._memory.release(leaf.seq, leaf.start)
        self.num_used -= len(leaf.tokens)
        leaf.tokens = []

    def _trim(self, leaf: Node, num_cells: int) -> None:
        """Free up to `num_cells` of `leaf` from its end: what comes first serves most."""
        assert leaf.seq is not None
        if num_cells >= len(leaf.tokens):
            self._remove(leaf)
            return
        del leaf.tokens[-num_cells:]
        self._memory.release(leaf.seq, leaf.end)
        self.num_used -= num_cells

    def _take_seq(self) -> int:
        while not self._free_seqs:
            leaf = self._oldest_leaf()
            if leaf is None:
                raise CacheFull(f"all {self._memory.max_sequences} sequences are in use")
            self._remove(leaf)
        return self._free_seqs.pop()

    def _give_up_seq(self, node: Node) -> None:
        """Free the sequence of `node` if those that depend on it hold its cells."""
        if node.seq is not None and node.dependents and not node.is_pinned:
            self._free_seq(node.seq)
            node.seq = None
            self._ends.discard(node)

    def _free_seq(self, seq: int) -> None:
        self._memory.release(seq, 0)
        self._free_seqs.append(seq)

    def _oldest_leaf(self) -> Node | None:
        leaves = (end for end in self._ends if end.is_evictable)
        return min(leaves, key=lambda leaf: leaf.last_used, default=None)

    def _touch(self, node: Node) -> None:
        now = next(self._clock)
        for used in _path(node):
            used.last_used = now

    def _is_listed(self, node: Node) -> bool:
        return bool(node.tokens) and _parent(node).listed.get(node.tokens[0]) is node


def common_length(a: Sequence[int], b: Sequence[int]) -> int:
    """The length of the longest common prefix; whole slices are compared, which is fast."""
    low, high = 0, min(len(a), len(b))
    if a[:high] == b[:high]:
        return high
    while low + 1 < high:
        middle = (low + high) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle
    return low


def _evictable(node: Node) -> tuple[int, bool]:
    """Evictable cells of the subtree, and whether all of it is."""
    below = [_evictable(child) for child in node.dependents]
    is_free = not (node.is_running or node.is_pinned) and all(whole for _, whole in below)
    return sum(cells for cells, _ in below) + (len(node.tokens) if is_free else 0), is_free


def _path(node: Node) -> Iterator[Node]:
    """`node` and its ancestors, the root last."""
    yield node
    while node.parent is not None:
        node = node.parent
        yield node


def _parent(node: Node) -> Node:
    assert node.parent is not None, "the root is never cut or removed"
    return node.parent
