"""What Shotcut needs to play our proxies, for ``host doctor``. Its settings are the user's: the steps are shown."""

from __future__ import annotations

from collections.abc import Iterator

from otio_perf.errors import HostError
from otio_perf.hosts import kde_settings, own_files
from otio_perf.hosts.home import Home
from otio_perf.hosts.shotcut.installations import settings_file
from otio_perf.model.hosts import Installation
from otio_perf.model.installing import HostFinding

_SWITCH = "Shotcut: Settings, Proxy, Use Proxy; then otio-perf host place shotcut FILES"


def findings(installation: Installation, home: Home) -> Iterator[HostFinding]:
    name = "proxies switched on"
    file = settings_file(installation)
    if file is None:
        found = "it has no settings yet" if home.platform == "linux" else "its settings cannot be read on this system"
        works = False
    else:
        try:
            # a text file of Qt's, which is alike in what is asked of it here
            said = kde_settings.read(own_files.read(file) or b"").get("proxy", {})
        except (HostError, kde_settings.NotSettingsError):
            said = {}
        works = said.get("enabled", "false") == "true"
        found = f"{'on' if works else 'off'} in {file}"
    yield HostFinding(
        host="shotcut",
        packaging=installation.packaging,
        name=name,
        works=works,
        required=False,
        found=found,
        hint="" if works else _SWITCH,
    )
