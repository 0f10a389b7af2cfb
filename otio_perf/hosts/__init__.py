"""Editing programs: found, installed into, told of proxies and prerenders in their own terms.

``kdenlive``, ``shotcut`` and ``resolve`` know one program each; the modules beside them what is the same for all.
"""

from __future__ import annotations

#: Names of the hosts that have an adapter, as commands take them.
HOSTS = ("kdenlive", "shotcut", "resolve")
