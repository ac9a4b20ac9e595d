"""Published figures that a study may name, with their sources. Nothing here is used unasked.

Pay-back: profit per pound of advertising, short term (under 14 weeks) and full (two years), by
medium: Profit Ability 2 (Thinkbox with Ebiquity, EssenceMediacom, Gain Theory, Mindshare and
Wavemaker UK, 2024; 141 brands, 1.8 billion pounds of media), as summarised by the Audit Bureau.

Brand against activation, as part of a budget: about half for B2B (The B2B Institute, LinkedIn);
about 60 to 40 across categories and 46 to 54 in B2B (Binet and Field, IPA and LinkedIn).
"""

from __future__ import annotations

from dataclasses import dataclass

SHORT_TERM_WEEKS = 13.0
"""The short term of every result: what comes within 13 weeks, that is in under 14."""
FULL_WEEKS = 104.0
"""The full term of the published pay-back."""

PROFIT_ABILITY = "Profit Ability 2 (Thinkbox and others, 2024)"


@dataclass(frozen=True, slots=True)
class PayBack:
    """Published profit per unit of advertising: in the short term and in full."""

    short: float
    full: float
    source: str

    @property
    def ratio(self) -> float:
        """Full over short-term return."""
        return self.full / self.short


PAY_BACK: dict[str, PayBack] = {
    f"profit_ability_2/{medium}": PayBack(short, full, PROFIT_ABILITY)
    for medium, short, full in (
        ("all_media", 1.87, 4.11),
        ("print", 2.74, 6.36),
        ("linear_tv", 1.82, 5.94),
        ("audio", 2.47, 4.98),
        ("broadcaster_vod", 1.66, 4.25),
        ("online_video", 1.76, 3.86),
        ("paid_search", 2.29, 3.52),
        ("paid_social", 1.62, 3.20),
        ("out_of_home", 1.19, 2.78),
        ("cinema", 1.19, 2.56),
        ("online_display", 1.50, 2.34),
    )
}
"""By the name that a channel's `prior.reference` gives."""

HIGHEST_RETURN = max(one.full for one in PAY_BACK.values())
"""The highest published full return of a medium, in profit per unit of cost."""


@dataclass(frozen=True, slots=True)
class BrandShare:
    """A published part of a budget that goes to brand."""

    share: float
    label: str
    source: str


BRAND_SHARES = (
    BrandShare(0.46, "46/54", "Binet and Field, in B2B"),
    BrandShare(0.50, "50/50", "The B2B Institute"),
    BrandShare(0.60, "60/40", "Binet and Field, across categories"),
)
"""Reference lines of the report, smallest first."""
