"""Why a file cannot stand for another: hosts answer a link that failed with "no" and nothing more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from otio_perf.errors import SettingsError
from otio_perf.media import contract
from otio_perf.model.analysis import MediaFinding
from otio_perf.model.plans import ADOPTED
from otio_perf.model.results import ProxyDifference
from otio_perf.optimizer.session import Session


def differences(session: Session, source: MediaFinding, proxies: Sequence[MediaFinding]) -> Iterator[ProxyDifference]:
    """What in each of ``proxies`` breaks the contract with ``source``; those that cannot be read are told by their finding.

    :raises SettingsError: the source cannot be read, or has no picture.
    """
    if source.info is None or source.info.picture is None:
        reason = "has no picture" if source.info is not None else source.reason or f"is {source.state}"
        raise SettingsError(f"nothing can be compared with it: {reason}", path=source.path)
    for proxy in proxies:
        if proxy.info is None:
            continue
        picture, recorded = proxy.info.picture, None
        if session.has_workspace and (key := session.index.products.key_at(proxy.path)):
            recorded = session.index.products.get(key)
        is_adopted = recorded is not None and recorded.key.startswith(ADOPTED)
        broken = contract.compare(
            source.info,
            proxy.info,
            expected_range=None if recorded is None or is_adopted else recorded.source_range,
            constant_rate=picture.frame_rate if picture is not None and source.info.picture.is_vfr else None,
            adopted=is_adopted,
        )
        for one in broken:
            yield ProxyDifference(path=proxy.path, field=one.field, source=one.source, proxy=one.proxy, text=one.text)
