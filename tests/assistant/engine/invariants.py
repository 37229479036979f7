"""What has to hold of a prefix index and the cells behind it, at any time."""

from __future__ import annotations

from assistant.engine.prefix import PrefixIndex

from .fake_backend import FakeBackend


def check(index: PrefixIndex, backend: FakeBackend) -> None:
    """Assert all of it."""
    check_tree(index, backend.num_cells)
    assert index.num_used == len(backend.cells)
    seqs = set()
    for node in index.nodes():
        if node.seq is not None:
            seqs.add(node.seq)
            assert backend.held(node.seq) == index.path(node), "a sequence holds other cells"
    for seq in set(range(backend.max_sequences)) - seqs:
        assert not backend.held(seq), "a free sequence holds cells"


def check_tree(index: PrefixIndex, num_cells: int) -> None:
    """Assert what can be seen without looking into the cells."""
    nodes = list(index.nodes())
    seqs = [node.seq for node in nodes if node.seq is not None]
    assert len(seqs) == len(set(seqs)), "two nodes name one sequence"
    assert sum(len(node.tokens) for node in nodes) == index.num_used <= num_cells
    assert index.num_free + index.num_evictable + kept_cells(index) == num_cells
    for node in nodes:
        needs_seq = node.is_running or node.is_pinned or not node.dependents
        assert (node.seq is not None) == needs_seq, "a node names a sequence just when it must"
        assert not (node.is_running and node.dependents), "something depends on a running tail"
        assert node.tokens or node.is_running, "an empty node"
        for first, child in node.listed.items():
            assert child.tokens[0] == first
            assert child in node.dependents
        for child in node.dependents:
            assert child.parent is node
            assert child.start == node.end


def kept_cells(index: PrefixIndex) -> int:
    """Cells that running requests or pins need."""
    needed = set()
    for node in index.nodes():
        if node.is_running or node.is_pinned:
            while node.parent is not None:
                needed.add(node)
                node = node.parent
    return sum(len(node.tokens) for node in needed)
