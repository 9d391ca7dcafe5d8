"""What a decision about accounts may refuse."""

from domain.errors import CampaignError


class AccountUnknown(CampaignError):
    """There is no sender account of this name, or it was deleted."""

    code = "sender_unknown"


class ReasonRequired(CampaignError):
    """This order needs a reason in words."""

    code = "reason_required"


class SettingRefused(CampaignError):
    """A number or word cannot be a setting of an account or of a tenant's sending."""

    code = "setting_refused"

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field


class WarmupUnderWay(CampaignError):
    """Another warm-up is under way, and nobody said that it is to begin anew."""

    code = "warmup_under_way"


class WarmupRefused(SettingRefused):
    """A warm-up table is not one cap a day that never falls; the field names the place."""

    code = "warmup_refused"
