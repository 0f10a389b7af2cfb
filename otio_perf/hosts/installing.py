"""Putting our parts into a host, and taking them away again without a trace.

What will be done is recorded before it is done: a run that is killed in the midst leaves nothing of which the record does not
know, and the same command again does the rest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from otio_perf.cache import locks
from otio_perf.errors import CacheError, HostError
from otio_perf.hosts import kde_settings, own_files, record
from otio_perf.hosts.parts import Entries, OwnFile, Part
from otio_perf.hosts.record import Installed
from otio_perf.model.hosts import Installation
from otio_perf.model.installing import HostChange, Step


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """One installer of a user at a time: what another records meanwhile would be lost.

    The lock is a file in ``home``, which is there before anything is made, and it is gone again afterwards.

    :raises HostError: it cannot be made
    """
    lock = home / ".otio_perf-hosts.lock"
    try:
        with locks.held(lock):
            yield
    except CacheError as e:
        raise HostError(e.message, path=lock, hint="Check the permissions of your home folder") from e


def install(installation: Installation, parts: Iterable[Part], *, command: str, record_file: Path) -> tuple[HostChange, ...]:
    """Put ``parts`` into a host; what an earlier version put there and this one does not is taken away.

    What a user changed in our files and keys is left as he wants it, and told. Whoever calls is ``alone``.

    :raises HostError: a file cannot be written; the same call again does the rest
    """
    parts = tuple(parts)
    known = record.load(record_file)
    before = _of(known, installation)
    others = [one for one in known if one is not before]
    if not parts and before is None:
        return ()
    now = _intended(installation, parts, command, before)
    record.save(record_file, [*others, now])
    changes = [_put(now, before, part) for part in parts]
    wanted = {str(part.path) for part in parts}
    changes += _take(now, [path for path in (*now.files, *now.entries) if path not in wanted])
    for part in parts:
        if isinstance(part, Entries):
            _take_dropped(now, part)
    record.save(record_file, [*others, now] if now.files or now.entries else others)
    return tuple(changes)


def uninstall(installation: Installation, parts: Iterable[Part], *, record_file: Path) -> tuple[HostChange, ...]:
    """Take away what was put into a host: files, keys, and the groups, files and folders that were made for them.

    Whoever calls is ``alone``.

    :param parts: what would be installed today: taken away where the record was lost
    :raises HostError: a file cannot be written; the same call again does the rest
    """
    known = record.load(record_file)
    installed = _of(known, installation)
    others = [one for one in known if one is not installed]
    if installed is None:
        installed = _assumed(installation, parts)
    changes = _take(installed, [*installed.files, *installed.entries])
    left = _removed(installed.made_folders)
    if others:  # the last of them to go takes these along
        others[0].made_folders += left
    record.save(record_file, others)
    if not others:
        _removed(left)  # the record itself may have been in them
    return tuple(changes)


def recorded(installation: Installation, record_file: Path) -> Installed | None:
    """What is installed, as the record says. :raises HostError: it cannot be read"""
    return _of(record.load(record_file), installation)


def faults(installed: Installed) -> Iterator[tuple[str, str]]:
    """Path and what is wrong with it, for all that is not as it was put there."""
    for name, digests in installed.files.items():
        content = own_files.read(Path(name))
        if content is None:
            yield name, "is gone"
        elif _digest(content) != digests[-1]:
            yield name, "was changed"
        elif content.startswith(b"#!") and not own_files.is_executable(Path(name)):
            yield name, "is not executable any more"
    for name, entries in installed.entries.items():
        try:
            found = kde_settings.read(own_files.read(Path(name)) or b"")
        except kde_settings.NotSettingsError as e:
            yield name, str(e)
            continue
        keys = [(group, key, value) for group, values in entries.items() for key, value in values.items()]
        gone = [f"{group}/{key}" for group, key, _ in keys if key not in found.get(group, {})]
        other = [f"{group}/{key}" for group, key, value in keys if found.get(group, {}).get(key, value) != value]
        if gone:
            yield name, f"has lost {_several(gone)}"
        if other:
            yield name, f"says something else for {_several(other)}"


def is_outdated(installed: Installed, parts: Iterable[Part]) -> bool:
    """Installing ``parts`` would change something, though all is as it was put there."""
    for part in parts:
        text = own_files.read(part.path)
        if isinstance(part, OwnFile):
            if text is None or (text != part.content and _is_ours(installed, str(part.path), text)):
                return True
        elif _merged(part, text, installed).text != (text or b""):
            return True
    return False


def _of(known: list[Installed], installation: Installation) -> Installed | None:
    """Two packagings with the same folders, as a system's package and an AppImage, are one place."""
    for one in known:
        if (one.host, one.data_folder) == (installation.host, installation.data_folder):
            return one
    return None


def _new(installation: Installation, command: str) -> Installed:
    return Installed(
        host=installation.host, packaging=installation.packaging.value, data_folder=installation.data_folder, command=command
    )


def _intended(installation: Installation, parts: tuple[Part, ...], command: str, before: Installed | None) -> Installed:
    """The record of what is there and what is going to be."""
    now = _new(installation, command)
    if before is not None:
        now.files = {name: list(digests) for name, digests in before.files.items()}
        now.entries = {name: {group: dict(keys) for group, keys in e.items()} for name, e in before.entries.items()}
        now.made_files = list(before.made_files)
        now.made_groups = {name: list(groups) for name, groups in before.made_groups.items()}
        now.made_folders = list(before.made_folders)
    for part in parts:
        name = str(part.path)
        now.made_folders += [f for f in map(str, own_files.missing_folders(part.path.parent)) if f not in now.made_folders]
        text = own_files.read(part.path)
        if isinstance(part, OwnFile):
            if text is None or _is_ours(now, name, text) or text == part.content:
                digests = [d for d in now.files.get(name, []) if d != _digest(part.content)]
                now.files[name] = [*digests, _digest(part.content)]
            continue
        if text is None and name not in now.made_files:
            now.made_files.append(name)
        merged = _merged(part, text, before)
        groups = now.made_groups.setdefault(name, [])
        groups += [group for group in merged.made_groups if group not in groups]
        entries = now.entries.setdefault(name, {})
        for group, keys in part.values.items():
            for key, value in keys.items():
                if key not in merged.kept.get(group, {}):
                    entries.setdefault(group, {})[key] = value
    return now


def _put(now: Installed, before: Installed | None, part: Part) -> HostChange:
    name = str(part.path)
    text = own_files.read(part.path)
    if isinstance(part, OwnFile):
        if text == part.content and (own_files.is_executable(part.path) or not part.is_executable):
            return HostChange(host=now.host, path=name, step=Step.UNCHANGED)
        if text is not None and text != part.content and not _is_ours(now, name, text):
            note = "was changed by somebody else: it stays as it is. Delete it, then install again"
            return HostChange(host=now.host, path=name, step=Step.LEFT, note=note)
        own_files.make_folder(part.path.parent)
        own_files.write(part.path, part.content, is_executable=part.is_executable)
        return HostChange(host=now.host, path=name, step=Step.WRITTEN)
    merged = _merged(part, text, before)
    kept = [f"{group}/{key}" for group, keys in merged.kept.items() for key in keys]
    note = f"{_several(kept)} was changed: it stays as it is" if kept else ""
    if merged.text == text:
        return HostChange(host=now.host, path=name, step=Step.LEFT if kept else Step.UNCHANGED, note=note)
    own_files.make_folder(part.path.parent)
    own_files.write(part.path, merged.text)
    return HostChange(host=now.host, path=name, step=Step.WRITTEN, note=note)


def _take(installed: Installed, paths: list[str]) -> list[HostChange]:
    """Take away what is ours in these files, and forget them, but for those of ours that somebody changed."""
    changes = []
    for name in paths:
        path = Path(name)
        text = own_files.read(path)
        if (digests := installed.files.pop(name, None)) is not None:
            if text is None:
                own_files.remove(path)  # what a killed run left of it
            elif _digest(text) in digests:
                own_files.remove(path)
                own_files.remove_compiled(path)
                changes.append(HostChange(host=installed.host, path=name, step=Step.REMOVED))
            else:
                note = "was changed by somebody else: it stays. Delete it if nobody needs it"
                changes.append(HostChange(host=installed.host, path=name, step=Step.LEFT, note=note))
            continue
        values = installed.entries.pop(name)
        groups = set(installed.made_groups.pop(name, []))
        is_made = name in installed.made_files
        if is_made:
            installed.made_files.remove(name)
        if text is None:
            continue
        try:
            left = kde_settings.take(text, values, made_groups=groups)
        except kde_settings.NotSettingsError as e:
            changes.append(HostChange(host=installed.host, path=name, step=Step.LEFT, note=str(e)))
            continue
        if is_made and not left.strip():
            own_files.remove(path)
        elif left != text:
            own_files.write(path, left)
        else:
            continue
        changes.append(HostChange(host=installed.host, path=name, step=Step.REMOVED))
    return changes


def _take_dropped(now: Installed, part: Entries) -> None:
    """Keys that an earlier version had in a file that this one writes, too."""
    name = str(part.path)
    dropped = {
        group: {key: value for key, value in keys.items() if key not in part.values.get(group, {})}
        for group, keys in now.entries.get(name, {}).items()
    }
    dropped = {group: keys for group, keys in dropped.items() if keys}
    text = own_files.read(part.path)
    if not dropped or text is None:
        return
    still = {key for keys in part.values.values() for key in keys}
    values = {group: {key: value for key, value in keys.items() if key not in still} for group, keys in dropped.items()}
    left = kde_settings.take(text, values, made_groups=set(now.made_groups.get(name, [])) - set(part.values))
    if left != text:
        own_files.write(part.path, left)
    for group, keys in dropped.items():
        for key in keys:
            del now.entries[name][group][key]


def _removed(folders: list[str]) -> list[str]:
    """Folders that were made are taken away, the innermost first. :returns: those in which there is something else"""
    left = []
    for name in sorted(folders, key=lambda name: len(Path(name).parts), reverse=True):
        try:
            Path(name).rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            left.append(name)
    return left


def _merged(part: Entries, text: bytes | None, before: Installed | None) -> kde_settings.Put:
    earlier = before.entries.get(str(part.path), {}) if before is not None else {}
    try:
        return kde_settings.put(text or b"", part.values, earlier=earlier)
    except kde_settings.NotSettingsError as e:
        raise HostError(str(e), path=part.path, hint="Move it away, then install again") from e


def _assumed(installation: Installation, parts: Iterable[Part]) -> Installed:
    """What the record would say, had it not been lost."""
    installed = _new(installation, "")
    for part in parts:
        if isinstance(part, OwnFile):
            installed.files[str(part.path)] = [_digest(part.content)]
        else:
            installed.entries[str(part.path)] = {group: dict(keys) for group, keys in part.values.items()}
            installed.made_groups[str(part.path)] = list(part.values)
    return installed


def _is_ours(installed: Installed, name: str, content: bytes) -> bool:
    return _digest(content) in installed.files.get(name, [])


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _several(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{', '.join(names[:2])} and {len(names) - 2} more"
