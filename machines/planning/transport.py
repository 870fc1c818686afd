"""How contents spread over the places that may take them: a flow of least cost.

A page that moves to a node costs the distance; one that finds no free page may still go if the
kernel takes something back (page cache, swap), at a higher cost than any distance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .facts import Place

__all__ = ["FARTHEST", "Distance", "Transport", "transport"]

FARTHEST = 255
"""The largest distance that a SLIT has between nodes that reach each other."""

_RECLAIM, _SHORT = 10 * FARTHEST, 1000 * FARTHEST
_FEW_EDGES = 20_000

Distance = Callable[[Place, Place], int | None]
"""How far contents go from one place to another; None if they may not."""


@dataclass(frozen=True)
class Transport:
    """Pages by source and destination; ``reclaimed`` need memory taken back, ``short`` have no way.

    ``cost`` is pages times distance of what moves.
    """

    flows: Mapping[tuple[Place, Place], int]
    reclaimed: int
    short: int
    cost: int


def transport(
    supplies: Mapping[Place, int],
    rooms: Mapping[Place, int],
    distance: Distance,
    *,
    reclaimable: int,
) -> Transport:
    """The cheapest way to move all supplies.

    Args:
        supplies: pages that leave each place.
        rooms: pages that each place can take.
        distance: between places.
        reclaimable: pages that may be taken back where room ends.
    """
    import networkx as nx

    graph: nx.DiGraph[object] = nx.DiGraph()
    total = sum(supplies.values())
    graph.add_node("all", demand=-total)
    graph.add_node("moved", demand=total)
    for source, supply in supplies.items():
        graph.add_edge("all", ("from", source), capacity=supply, weight=0)
        graph.add_edge(("from", source), "reclaim", capacity=supply, weight=_RECLAIM)
        graph.add_edge(("from", source), "short", capacity=supply, weight=_SHORT)
        for place, room, far in _reached(source, rooms, distance, len(supplies)):
            graph.add_edge(("from", source), ("to", place), capacity=min(supply, room), weight=far)
            graph.add_edge(("to", place), "moved", capacity=room, weight=0)
    graph.add_edge("reclaim", "moved", capacity=max(0, reclaimable), weight=0)
    graph.add_edge("short", "moved", capacity=total, weight=0)
    _, flow = nx.network_simplex(graph)
    flows = {
        (source, place): pages
        for source in supplies
        for at, pages in flow[("from", source)].items()
        if isinstance(at, tuple) and isinstance(place := at[1], Place) and pages
    }
    cost = sum(pages * (distance(*pair) or 0) for pair, pages in flows.items())
    return Transport(flows, flow["reclaim"]["moved"], flow["short"]["moved"], cost)


def _reached(
    source: Place, rooms: Mapping[Place, int], distance: Distance, sources: int
) -> list[tuple[Place, int, int]]:
    """The places that take contents of one, with room and distance.

    Of very many only the nearest: so many that each source could be served by them.
    """
    reached = [
        (place, room, far)
        for place, room in rooms.items()
        if room > 0 and (far := distance(source, place)) is not None
    ]
    if sources * len(reached) > _FEW_EDGES:
        reached.sort(key=lambda each: (each[2], each[0]))
        del reached[max(8, _FEW_EDGES // sources) :]
    return reached
