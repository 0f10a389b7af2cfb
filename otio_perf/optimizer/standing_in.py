"""Which proxies of a timeline are rendered from, where the user wants no originals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from otio_perf.errors import SettingsError
from otio_perf.model.analysis import MediaFinding
from otio_perf.model.plans import Product
from otio_perf.model.recipes import ProxyRecipe
from otio_perf.model.stand_ins import StandIn
from otio_perf.model.uses import Target, TargetKind
from otio_perf.optimizer.session import Session


def stand_ins(
    session: Session,
    linked: Mapping[str, Sequence[Product]],
    findings: Mapping[str, MediaFinding],
    rung: str | None,
) -> dict[str, tuple[StandIn, ...]]:
    """Proxies of ``rung`` by ``Target.medium`` of their originals; what has none is rendered from its original, and said to be.

    :param linked: the proxies that the timeline has (``records.earlier``).
    :param findings: of what the timeline shows. :param rung: ``None``: originals only
    :raises SettingsError: not a size, or no medium has a proxy of it.
    """
    if rung is None:
        return {}
    try:
        ProxyRecipe(rung=rung)
    except ValueError as e:
        raise SettingsError(str(e)) from None
    wanted = {name: [p for p in linked.get(name, ()) if p.recipe.rung == rung and p.recipe.is_plain] for name in findings}
    paths = {p.path for products in wanted.values() for p in products}
    seen = session.look_up(Target(kind=TargetKind.FILE, url=path, path=path) for path in sorted(paths))
    found = {
        name: tuple(one for p in products if (one := _stand_in(p, seen[p.path])) is not None)
        for name, products in wanted.items()
    }
    found = {name: ones for name, ones in found.items() if ones}
    if not found:
        raise SettingsError(
            f"no medium has a {rung} proxy",
            hint=f"Make them with: otio-perf optimize --proxy {rung}, or name their --workspace",
        )
    films = [name for name, finding in findings.items() if finding.info is not None and finding.info.picture is not None]
    lacking = sum(1 for name in films if name not in found)
    if lacking:
        session.note(f"{lacking} of {len(films)} media have no {rung} proxy: rendered from the originals")
    return found


def _stand_in(product: Product, finding: MediaFinding) -> StandIn | None:
    """``None``: it is gone, or is not what was made."""
    info = finding.info
    if info is None or info.picture is None or info.picture.frame_count != len(product.source_range):
        return None
    return StandIn(medium=product.path, info=info, source_range=product.source_range)
