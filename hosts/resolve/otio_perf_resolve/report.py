"""What a command did, for the user: as lines in the console, and as a page in the browser."""

import html

DONE, LEFT, FAILED, NOTE = "done", "left as it is", "failed", "note"

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="generator" content="otio-perf"><title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; background: #1d1f23; color: #ddd }}
body {{ max-width: 60em; margin: 2em auto; padding: 0 1em }}
h1 {{ font-size: 1.3em }} table {{ border-collapse: collapse; width: 100% }} small {{ color: #999 }}
td {{ border-top: 1px solid #3a3d44; padding: .35em .6em; vertical-align: top; overflow-wrap: anywhere }}
.done td:first-child {{ color: #7bc47f }} .failed td:first-child {{ color: #f08a7b }} .left td:first-child {{ color: #e0c068 }}
</style>
<h1>{title}</h1><p>{summary}</p><table>{rows}</table><p><small>{product}</small></p></html>
"""


class Report:
    """Fills while a command runs; ``say`` hears each line at once."""

    def __init__(self, title, say):
        self.title = title
        self.product = ""
        self.entries = []
        self._say = say

    def done(self, about, text):
        self._add(DONE, about, text)

    def left(self, about, text):
        self._add(LEFT, about, text)

    def failed(self, about, text):
        self._add(FAILED, about, text)

    def note(self, about, text):
        self._add(NOTE, about, text)

    def progress(self, line):
        """Not kept."""
        self._say("  " + line)

    def count(self, kind):
        return sum(1 for one, _, _ in self.entries if one == kind)

    @property
    def counts(self):
        return {kind: self.count(kind) for kind in (DONE, LEFT, FAILED)}

    @property
    def summary(self):
        return ", ".join("%d %s" % (count, kind) for kind, count in self.counts.items() if count) or "nothing to do"

    def page(self):
        rows = "".join(
            '<tr class="%s"><td>%s</td><td>%s</td><td>%s</td></tr>'
            % (kind.split()[0], kind, html.escape(about), html.escape(text).replace("\n", "<br>"))
            for kind, about, text in self.entries
        )
        return _PAGE.format(
            title=html.escape(self.title), summary=html.escape(self.summary), rows=rows, product=html.escape(self.product)
        )

    def _add(self, kind, about, text):
        self.entries.append((kind, about, text))
        self._say("%s: %s: %s" % (kind, about, text) if about else "%s: %s" % (kind, text))
