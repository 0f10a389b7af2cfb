"""From findings to decisions: which medium gets which proxies, and why. Pure: no clock, no file, no random number.

Several timelines are planned together: a medium is decided on once, and the ranges that all of them use are joined.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from otio_perf.model import burn_in
from otio_perf.model.analysis import Analysis, MediaFinding
from otio_perf.model.machine import MachineProfile
from otio_perf.model.media import MediaInfo, MediaKind, VideoInfo, first_number
from otio_perf.model.plans import Action, Decision, Plan, Product
from otio_perf.model.recipes import Codec, ProxyRecipe, Scope
from otio_perf.model.tasks import ProxyTask
from otio_perf.model.timing import FrameRange, FrameRate, union
from otio_perf.model.uses import Survey, Target, TargetKind, TrackKind, Use
from otio_perf.planning import cost, explain, proxies
from otio_perf.planning.policy import Policy

NameFor = Callable[[MediaInfo, ProxyRecipe, str, FrameRange | None], str]
"""``name_for(media, recipe, key, range)``: path of a new proxy; the range is ``None`` for a whole medium."""

#: A proxy of the source's own size is worth making where it decodes in less than this share of the source's time.
_WORTH_TRANSCODING = 0.6
#: One that is there already is used until it decodes in more than this share: a machine measured anew is a little faster or
#: slower, and proxies should not come and go with that.
_WORTH_KEEPING = 0.9
#: A medium that takes less than this share of a slow span's frame time is not what makes it slow.
_REAL_PART = 0.1
#: A camera's own proxy serves for a rung when its longer side is between these shares of the rung's.
_ADOPTED_SIZE = (0.5, 1.3)


def product_key(
    fingerprint: str,
    recipe: ProxyRecipe,
    part: FrameRange,
    constant_rate: FrameRate | None,
    words: Iterable[str] = (),
) -> str:
    """What the bytes of a proxy are: source, encoding, frames, and for variable rates the constant one.

    Scope and handles are not part of it: they only lead to the range. Nor is what encodes: any proxy that passes the
    contract serves, so that one made by hardware is found again where there is none (and before the work nobody knows
    whether software will have to take over).

    :param part: frames of the source file, 0 = first.
    :param words: that are burnt into the first frame; those of the others follow from them.
    """
    encoding = replace(recipe, scope=Scope.FULL, handles=0).digest
    text = f"{fingerprint}\n{encoding}\n{part.start}-{part.stop}@{part.rate}\n{constant_rate or 'source'}"
    text += "".join(f"\n{word}" for word in words)
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()


def plan(
    *,
    targets: Iterable[Target] = (),
    surveys: Sequence[Survey] = (),
    analyses: Sequence[Analysis] = (),
    media: Mapping[str, MediaFinding],
    recipes: Sequence[ProxyRecipe],
    policy: Policy,
    machine: MachineProfile,
    existing: Callable[[str], Product | None],
    name_for: NameFor,
    camera: Mapping[str, Product] | None = None,
) -> Plan:
    """A decision with its reason for every target of ``surveys``, and for ``targets`` that belong to no timeline.

    :param analyses: of the same surveys; empty: only sizes decide.
    :param media: what the probe found, by ``Target.medium``.
    :param existing: the valid product of a key, if there is one.
    :param camera: by ``Target.medium``, a proxy that the camera made and that passed the contract.
    """
    slow = _slow_paths(analyses, policy, media, machine)
    claims: dict[str, _Claim] = {}
    for target in targets:
        claims.setdefault(target.medium, _Claim(target=target, is_whole=True))
    for survey in surveys:
        for target in survey.targets:
            claims.setdefault(target.medium, _Claim(target=target))
        for use in survey.uses:
            target = use.target
            claims.setdefault(target.medium, _Claim(target=target)).add(use, survey)
    return Plan(
        decisions=tuple(
            _Source(
                claim=claim,
                finding=media.get(name),
                recipes=recipes,
                policy=policy,
                machine=machine,
                slow_factor=slow.get(name) or _alone(claim, media.get(name), machine),
                existing=existing,
                name_for=name_for,
                adopted=(camera or {}).get(name),
            ).decide()
            for name, claim in claims.items()
        )
    )


def tasks(plan: Plan, workspace: str, *, stall_seconds: float = 60.0) -> tuple[ProxyTask, ...]:
    """One task for each source that lacks something: all its missing products come from one decode."""
    found = []
    for decision in plan.with_action(Action.MAKE):
        missing = tuple(p for p in decision.products if not p.digest)
        media = decision.media
        if not missing or media is None or media.picture is None:
            continue
        constant = missing[0].source_range.rate if media.picture.is_vfr else None
        found.append(
            ProxyTask(media=media, products=missing, constant_rate=constant, workspace=workspace, stall_seconds=stall_seconds)
        )
    return tuple(found)


@dataclass(slots=True)
class _Claim:
    """What all timelines together ask of one medium."""

    target: Target
    is_whole: bool = False  # asked for by itself, not by a timeline
    uses: list[tuple[Use, FrameRate]] = field(default_factory=list)
    rate: FrameRate | None = None  # of the first timeline that shows it
    has_picture: bool = False

    def add(self, use: Use, survey: Survey) -> None:
        self.uses.append((use, survey.frame_rate))
        if use.track_kind is TrackKind.VIDEO:
            self.has_picture = True
            self.rate = self.rate or survey.frame_rate


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """One medium on its way to a decision."""

    claim: _Claim
    finding: MediaFinding | None
    recipes: Sequence[ProxyRecipe]
    policy: Policy
    machine: MachineProfile
    slow_factor: float | None
    existing: Callable[[str], Product | None]
    name_for: NameFor
    adopted: Product | None

    def decide(self) -> Decision:
        target, finding = self.claim.target, self.finding
        if target.kind is TargetKind.GENERATOR:
            return self._no(Action.SKIP, f"{target.generator or 'a generator'}: made by the host, there is no file")
        if target.kind is TargetKind.MISSING:
            return self._no(Action.OFFLINE, target.reason or "the timeline names no file")
        if target.kind is TargetKind.REFUSED:
            return self._no(Action.REFUSE, target.reason or "not a local file")
        if finding is None:
            return self._no(Action.OFFLINE, "was not looked at")
        media = finding.info
        if media is None and self.adopted is not None:
            return self._adopted(self.adopted, f"{finding.reason or finding.state}; a proxy made elsewhere stands in")
        if media is None:
            return self._no(Action.OFFLINE if finding.state == "offline" else Action.REFUSE, finding.reason or finding.state)
        video = media.picture
        if video is None:
            return self._no(Action.SKIP, "sound only: left alone")
        if media.kind is MediaKind.STILL:
            return self._no(Action.SKIP, "a still: it is decoded once")
        if not self.claim.is_whole and not self.claim.has_picture:
            why = "only its sound is used" if self.claim.uses else "no clip uses it"
            return self._no(Action.SKIP, why)
        return self._with_picture(media, video)

    def _with_picture(self, media: MediaInfo, video: VideoInfo) -> Decision:
        wanted: list[tuple[ProxyRecipe, int, int]] = []
        there: list[tuple[ProxyRecipe, int, int]] = []  # not needed, but made before and of use
        refusals: list[str] = []
        reasons: list[str] = []
        for recipe in self.recipes:
            if video.has_alpha:
                recipe = replace(recipe, codec=Codec.PRORES_4444)
            width, height = proxies.size_of(video, recipe)
            need, why = self._is_needed(media, video, recipe, width, height)
            if (width, height) in ((w, h) for _, w, h in wanted + there):
                continue
            if need:
                wanted.append((recipe, width, height))
                reasons.append(why)
            elif self._is_there(media, video, recipe):
                there.append((recipe, width, height))
            else:
                refusals.append(why)
        if not wanted and not there:
            return self._no(Action.SKIP, "; ".join(dict.fromkeys(refusals)) or "no proxy size was asked for")
        if wanted and all(r.is_plain for r, _, _ in wanted) and self.adopted is not None and (taken := self._adopt(wanted)):
            return taken
        wanted += there
        parts, outside = self._parts(media, video, wanted[0][0])
        if not parts:
            return self._no(Action.REFUSE, "; ".join(outside))
        if video.has_alpha:
            reasons.append("transparency is kept by ProRes 4444")
        reasons += [f"with {explain.look_words(recipe)}" for recipe, _, _ in wanted if not recipe.is_plain]
        return self._products(media, video, wanted, parts, reasons + outside)

    def _is_needed(self, media: MediaInfo, video: VideoInfo, recipe: ProxyRecipe, width: int, height: int) -> tuple[bool, str]:
        words = explain.video_words(video)
        longer, target = max(video.width, video.height), max(width, height)
        is_slow = self.slow_factor is not None and self.slow_factor > self.policy.threshold.factor
        slow = f"{words}: {explain.load_words(self.slow_factor or 0)}{'' if self.claim.is_whole else ' in the timeline'}"
        if is_slow and (self.slow_factor or 0) <= 1:
            slow += f", and {self.policy.purpose.value} wants at most {self.policy.threshold.factor * 100:.0f} %"
        if not recipe.is_plain:
            return True, slow if is_slow else f"{words}: asked for"
        if longer <= target + 1:  # full size, but for an odd line
            gain = self._decode_share(media, video, recipe)
            if gain <= _WORTH_TRANSCODING and (is_slow or self.policy.force):
                return (
                    True,
                    f"{slow if is_slow else words}; a {recipe.rung} proxy of full size decodes {1 / gain:.1f} × as fast",
                )
            if is_slow or self.policy.force:
                faster = f"only {1 / gain:.1f} × as fast to decode" if gain < _WORTH_KEEPING else "no faster to decode"
                return False, f"{slow if is_slow else words}; a {recipe.rung} proxy would be no smaller, and {faster}"
            return False, f"plays as it is: {words}, not larger than {recipe.rung}, and nothing is scaled up"
        if self.policy.force:
            return True, f"{words}: asked for all"
        if is_slow:
            return True, slow
        if longer > self.policy.oversize * target:
            return True, f"{words} is {longer / target:.2g} × the size of {recipe.rung}"
        return False, f"plays as it is: {words} is less than {self.policy.oversize:g} × the size of {recipe.rung}"

    def _decode_share(self, media: MediaInfo, video: VideoInfo, recipe: ProxyRecipe) -> float:
        """Time to decode a frame of the proxy, as a share of that of its source."""
        return cost.decode_ms(proxies.proxied(media, recipe).video[0], self.machine) / cost.decode_ms(video, self.machine)

    def _is_there(self, media: MediaInfo, video: VideoInfo, recipe: ProxyRecipe) -> bool:
        """Was such a proxy made before, and does it still help?"""
        if self._decode_share(media, video, recipe) > _WORTH_KEEPING:
            return False
        whole, constant = self._whole(video), self._rate(video) if video.is_vfr else None
        parts, _ = self._parts(media, video, recipe)
        keys = [[_key(media, recipe, p, constant) for p in several] for several in ((whole,), parts)]
        return any(several and all(self.existing(key) for key in several) for several in keys)

    def _adopt(self, wanted: Sequence[tuple[ProxyRecipe, int, int]]) -> Decision | None:
        product = self.adopted
        assert product is not None
        least, most = _ADOPTED_SIZE
        longer = max(product.width, product.height)
        fits = [r for r, w, h in wanted if least * max(w, h) <= longer <= most * max(w, h)]
        if len(fits) < len(wanted):
            return None
        size = f"{product.width}x{product.height}"
        return self._adopted(product, f"the camera made a proxy: {explain.file_name(product.path)} ({size})")

    def _adopted(self, product: Product, reason: str) -> Decision:
        media = self.finding.info if self.finding else None
        return Decision(target=self.claim.target, action=Action.ADOPT, reason=reason, media=media, products=(product,))

    def _parts(self, media: MediaInfo, video: VideoInfo, recipe: ProxyRecipe) -> tuple[tuple[FrameRange, ...], list[str]]:
        """Frames of the file that proxies have to hold, and what was asked for beyond its ends."""
        rate, whole = self._rate(video), self._whole(video)
        if recipe.scope is Scope.FULL or self.claim.is_whole:
            return (whole,), []
        used, outside = [], []
        for use, _ in self.claim.uses:
            asked = file_range(use, media, rate)
            try:
                inside = asked.within(whole)
            except ValueError:
                outside.append(f"clip {use.clip!r} asks for frames {asked.start}–{asked.stop - 1}, the file has {len(whole)}")
                continue
            if inside != asked and (asked.start < -1 or asked.stop > whole.stop + 1):  # one frame is rounding
                outside.append(
                    f"clip {use.clip!r} reaches beyond the file ({asked.start}–{asked.stop - 1} of {len(whole)} frames)"
                )
            used.append(inside.grown(recipe.handles).within(whole))
        join = int(self.policy.join_gap_seconds * rate)
        return union(used, join_within=join), list(dict.fromkeys(outside))

    def _products(
        self,
        media: MediaInfo,
        video: VideoInfo,
        wanted: Sequence[tuple[ProxyRecipe, int, int]],
        parts: tuple[FrameRange, ...],
        reasons: Sequence[str],
    ) -> Decision:
        constant = self._rate(video) if video.is_vfr else None
        whole = self._whole(video)
        products: list[Product] = []
        missing: list[tuple[ProxyRecipe, int, int]] = []
        size = 0
        for recipe, width, height in wanted:
            had = self.existing(_key(media, recipe, whole, constant))
            if had is not None:  # the whole medium serves for any part of it
                products.append(had)
                continue
            for part in parts:
                key = _key(media, recipe, part, constant)
                found = self.existing(key)
                if found is None:
                    if (recipe, width, height) not in missing:
                        missing.append((recipe, width, height))
                    size += proxies.size_bytes(media, recipe, width, height, part)
                    found = Product(
                        key=key,
                        source_path=media.path,
                        source_fingerprint=media.fingerprint,
                        recipe=recipe,
                        path=self.name_for(media, recipe, key, None if part == whole else part),
                        source_range=part,
                        width=width,
                        height=height,
                    )
                products.append(found)
        if constant:
            reasons = [*reasons, f"variable frame rate becomes {explain.rate_words(constant)}"]
        reason = "; ".join(dict.fromkeys(reasons))
        if not missing:
            looks = dict.fromkeys(explain.look_words(recipe) for recipe, _, _ in wanted if not recipe.is_plain)
            return Decision(
                target=self.claim.target,
                action=Action.HAVE,
                reason="; with ".join(["a valid proxy is there", *looks]),
                media=media,
                products=tuple(products),
            )
        to_read = union(p.source_range for p in products if not p.digest)
        return Decision(
            target=self.claim.target,
            action=Action.MAKE,
            reason=reason,
            media=media,
            products=tuple(products),
            predicted_seconds=proxies.work_seconds(media, missing, to_read, self.machine),
            predicted_bytes=size,
        )

    def _rate(self, video: VideoInfo) -> FrameRate:
        return self.claim.rate if video.is_vfr and self.claim.rate else video.frame_rate

    def _whole(self, video: VideoInfo) -> FrameRange:
        rate = self._rate(video)
        return FrameRange(0, max(1, proxies.frame_count(video, rate)), rate)

    def _no(self, action: Action, reason: str) -> Decision:
        return Decision(
            target=self.claim.target, action=action, reason=reason, media=self.finding.info if self.finding else None
        )


def _key(media: MediaInfo, recipe: ProxyRecipe, part: FrameRange, constant_rate: FrameRate | None) -> str:
    words = burn_in.all_words(recipe.burn_in, media, part.start, part.rate).values()
    return product_key(media.fingerprint, recipe, part, constant_rate, words)


def file_range(use: Use, media: MediaInfo, rate: FrameRate) -> FrameRange:
    """What a use asks for in frames of the file (0 = first) at ``rate``; may reach beyond the file's ends.

    The use counts in the numbering of its media reference. Where the reference does not say what its first frame is called,
    the file's start timecode does; a numbered sequence begins with its first number.
    """
    first = use.available_start
    if first is None:
        first = first_number(media, use.source.rate)
    return use.source.shifted(-first).at_rate(rate)


def _alone(claim: _Claim, finding: MediaFinding | None, machine: MachineProfile) -> float | None:
    """How a medium that was asked for by itself plays at its own rate."""
    video = finding.info.picture if finding and finding.info else None
    if not claim.is_whole or video is None:
        return None
    return cost.decode_ms(video, machine) * float(video.frame_rate) / 1e3


def _slow_paths(
    analyses: Sequence[Analysis], policy: Policy, media: Mapping[str, MediaFinding], machine: MachineProfile
) -> dict[str, float]:
    """By medium: the factor of the worst span above the policy's threshold that it has a real part in."""
    worst: dict[str, float] = {}
    infos = {path: finding.info for path, finding in media.items()}
    for analysis in analyses:
        layers = cost.Layers(analysis.survey, infos, machine)
        for costed in analysis.spans:
            if costed.factor <= policy.threshold.factor:
                continue
            for index in costed.span.uses:
                layer = layers[index]
                if layer.path and layer.decode_ms + layer.scale_ms >= _REAL_PART * costed.frame_ms:
                    worst[layer.medium] = max(worst.get(layer.medium, 0.0), costed.factor)
    return worst
