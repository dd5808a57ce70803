"""What the rule sheets are: every sheet and column, described in this one place.

Reading, checking, the workbook's drop-downs and comments, and the tables in
`docs/rules.md` all follow from here.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath

LARGEST_NUMBER = Decimal(1_000_000)
MOST_DECIMALS = 9
LONGEST_TEXT = 1000


class Kind(Enum):
    """What a column holds."""

    NAME = "name"
    TEXT = "text"
    NUMBER = "number"
    WHOLE = "whole number"
    SWITCH = "true or false"


@dataclass(frozen=True)
class Column:
    """One column of a rule sheet."""

    name: str
    kind: Kind
    description: str
    required: bool = True
    choices: tuple[str, ...] = ()
    above: Decimal | None = None
    """The value must be greater than this."""
    at_least: Decimal | None = None
    at_most: Decimal | None = None
    refers_to: tuple[str, str] | None = None
    """The sheet and column in which the value must stand."""
    blank_means: str = ""

    @property
    def is_numeric(self) -> bool:
        """Whether the column holds numbers."""
        return self.kind in (Kind.NUMBER, Kind.WHOLE)

    @property
    def allowed(self) -> str:
        """What may stand in the column, in words."""
        blank = f", or blank ({self.blank_means})" if not self.required else ""
        return f"{self._allowed_value()}{blank}"

    def _allowed_value(self) -> str:
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.refers_to:
            sheet, column = self.refers_to
            return f"any {column} of the sheet {sheet}"
        if self.kind is Kind.NAME:
            return "small letters, digits and underscores, such as cart_added"
        if self.is_numeric:
            return f"a {self.kind.value}{self._allowed_range()}"
        return str(self.kind.value)

    def _allowed_range(self) -> str:
        if self.at_least is not None and self.at_most is not None:
            return f" from {self.at_least} to {self.at_most}"
        if self.above is not None:
            return f" above {self.above}"
        if self.at_least is not None:
            return f", {self.at_least} or more"
        return ""


@dataclass(frozen=True)
class Sheet:
    """One rule sheet: a seed, and a sheet of the workbook."""

    name: str
    folder: str
    description: str
    key: tuple[str, ...]
    """The columns that tell rows apart."""
    columns: tuple[Column, ...]
    colour: str

    @property
    def path(self) -> PurePosixPath:
        """Where the seed stands, inside the seeds folder."""
        return PurePosixPath(self.folder) / f"{self.name}.csv"

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """Return the column called `name`."""
        return next(column for column in self.columns if column.name == name)


ZERO = Decimal(0)
STAGES = ("awareness", "consideration", "decision", "retention")
NOTE = Column(
    "note",
    Kind.TEXT,
    "Why it is so, for whoever reads it next. Changes nothing.",
    required=False,
    blank_means="no note",
)

CONDITION = (
    Column(
        "attribute",
        Kind.NAME,
        "What is asked for.",
        refers_to=("attributes", "attribute"),
    ),
    Column(
        "operator",
        Kind.NAME,
        "How it is compared. A number: equals, in, between, at_least, at_most. A text "
        "or list: equals, in, contains (the text stands anywhere in it).",
        choices=("equals", "in", "contains", "between", "at_least", "at_most"),
    ),
    Column(
        "value",
        Kind.TEXT,
        "With what: one value; several with ; between them for in and contains, of "
        "which one will do; 30 to 45 for between. Small or capital letters don't "
        "matter.",
    ),
)
"""The columns that say which contacts are meant."""


def _model_reference(description: str) -> Column:
    return Column(
        "score_model",
        Kind.NAME,
        description,
        refers_to=("score_models", "score_model"),
    )


SCORE_MODELS = Sheet(
    name="score_models",
    folder="rules",
    description="The scores there are. Each has its own rules in the other sheets.",
    key=("score_model",),
    colour="4472C4",
    columns=(
        Column("score_model", Kind.NAME, "The score's name."),
        Column(
            "status",
            Kind.NAME,
            "active: computed and used. draft: computed to compare with. "
            "archived: kept for the record.",
            choices=("active", "draft", "archived"),
        ),
        Column(
            "is_primary",
            Kind.SWITCH,
            "The one score that makes contacts hot, warm or cold. Exactly one is true.",
        ),
        Column(
            "scale",
            Kind.NUMBER,
            "How many points make a high score: points equal to the scale give 3.16 "
            "of 5. A larger scale makes all scores lower.",
            above=ZERO,
        ),
        Column(
            "description",
            Kind.TEXT,
            "What the score tells.",
            required=False,
            blank_means="no description",
        ),
    ),
)

ACTIVITIES = Sheet(
    name="activities",
    folder="rules",
    description="Everything that a contact can do and that can earn points.",
    key=("activity",),
    colour="70AD47",
    columns=(
        Column("activity", Kind.NAME, "The activity's name."),
        Column(
            "category",
            Kind.NAME,
            "The kind of signal, for reports.",
            choices=(
                "purchase",
                "engagement",
                "loyalty",
                "feedback",
                "social",
                "experience",
                "declared",
            ),
        ),
        Column(
            "cap_group",
            Kind.NAME,
            "Activities of one group can share a cap: see group_rules.",
        ),
        Column(
            "signal",
            Kind.TEXT,
            "The trigger that the activity stands for.",
            required=False,
            blank_means="none",
        ),
        Column(
            "buying_stage",
            Kind.NAME,
            "How near to buying somebody is who does this.",
            choices=STAGES,
        ),
        Column(
            "measure",
            Kind.TEXT,
            "What is counted, in the plural: views, orders.",
            required=False,
            blank_means="not named",
        ),
        Column(
            "is_own_doing",
            Kind.SWITCH,
            "false if the contact didn't do it just then: it counts in scores, but is "
            "nobody's last activity.",
            required=False,
            blank_means="true",
        ),
        Column(
            "description",
            Kind.TEXT,
            "What happened, in a sentence.",
            required=False,
            blank_means="no description",
        ),
    ),
)

ATTRIBUTES = Sheet(
    name="attributes",
    folder="rules",
    description="What can be known of a contact. Audiences and fit rules ask for it.",
    key=("attribute",),
    colour="7F7F7F",
    columns=(
        Column("attribute", Kind.NAME, "The attribute's name."),
        Column(
            "kind",
            Kind.NAME,
            "number: can be compared with numbers. text: one text. list: several at "
            "once.",
            choices=("text", "number", "list"),
        ),
        Column(
            "description",
            Kind.TEXT,
            "What it tells.",
            required=False,
            blank_means="no description",
        ),
    ),
)

AUDIENCES = Sheet(
    name="audiences",
    folder="rules",
    description="Groups of contacts for whom rules can differ. Each row is a "
    "condition; whoever meets all rows of an audience is in it.",
    key=("audience", "attribute", "operator", "value"),
    colour="4472C4",
    columns=(
        Column("audience", Kind.NAME, "The audience's name."),
        *CONDITION,
        NOTE,
    ),
)

ACTIVITY_RULES = Sheet(
    name="activity_rules",
    folder="rules",
    description="What each activity is worth in each score. The sheet to tune.",
    key=("score_model", "activity", "audience"),
    colour="ED7D31",
    columns=(
        _model_reference("The score that the rule belongs to."),
        Column(
            "activity",
            Kind.NAME,
            "The activity that earns the points.",
            refers_to=("activities", "activity"),
        ),
        Column(
            "audience",
            Kind.NAME,
            "The contacts that the rule is for. Of several rules that fit a contact, "
            "the one whose audience has the most conditions counts.",
            required=False,
            refers_to=("audiences", "audience"),
            blank_means="everyone",
        ),
        Column(
            "points",
            Kind.NUMBER,
            "What doing it once is worth at that moment. May be negative; 0 counts "
            "for nothing.",
        ),
        Column(
            "half_life_days",
            Kind.NUMBER,
            "After this many days the points are worth half, after twice as many a "
            "quarter, and so on.",
            required=False,
            above=ZERO,
            blank_means="the points never fade",
        ),
        Column(
            "cap",
            Kind.NUMBER,
            "The most that the activity can add however often it is done. The nearer "
            "to it, the less each further time adds.",
            required=False,
            above=ZERO,
            blank_means="no cap",
        ),
        Column(
            "daily_limit",
            Kind.WHOLE,
            "How many times on one day count.",
            required=False,
            above=ZERO,
            blank_means="all count",
        ),
        Column(
            "discharged_by",
            Kind.NAME,
            "The activity that settles this one: a cart is settled by the order, and "
            "then counts no more.",
            required=False,
            refers_to=("activities", "activity"),
            blank_means="nothing settles it",
        ),
        Column("is_enabled", Kind.SWITCH, "false switches the rule off."),
        NOTE,
    ),
)

GROUP_RULES = Sheet(
    name="group_rules",
    folder="rules",
    description="The most that a group of activities can add together in a score.",
    key=("score_model", "cap_group"),
    colour="FFC000",
    columns=(
        _model_reference("The score that the cap belongs to."),
        Column(
            "cap_group",
            Kind.NAME,
            "The group of activities.",
            refers_to=("activities", "cap_group"),
        ),
        Column(
            "group_cap",
            Kind.NUMBER,
            "The most points that the group can add.",
            above=ZERO,
        ),
    ),
)

SCORE_BANDS = Sheet(
    name="score_bands",
    folder="rules",
    description="From which score on a contact is hot, warm or cold.",
    key=("score_model", "band"),
    colour="C00000",
    columns=(
        _model_reference("The score that is cut into bands."),
        Column("band", Kind.NAME, "The segment.", choices=("hot", "warm", "cold")),
        Column(
            "enter_at",
            Kind.NUMBER,
            "A contact enters the band when its score reaches this.",
            at_least=ZERO,
            at_most=Decimal(5),
        ),
        Column(
            "exit_below",
            Kind.NUMBER,
            "And leaves it when the score falls under this. A little lower than "
            "enter_at, so that nobody hops in and out.",
            at_least=ZERO,
            at_most=Decimal(5),
        ),
        Column(
            "rank",
            Kind.WHOLE,
            "The order of the bands: 1 is the hottest.",
            at_least=Decimal(1),
        ),
    ),
)

DERIVED_SIGNALS = Sheet(
    name="derived_signals",
    folder="rules",
    description="What is read out of several orders or logins, and from where on it "
    "counts as such. Without its row, a signal is not derived.",
    key=("activity",),
    colour="70AD47",
    columns=(
        Column(
            "activity",
            Kind.NAME,
            "The signal.",
            choices=(
                "purchase_repeated",
                "order_value_risen",
                "order_value_fallen",
                "purchase_quickened",
                "purchase_slowed",
                "purchase_due",
                "purchase_expected",
                "login_regular",
                "loyalty_year_completed",
            ),
        ),
        Column(
            "least_history",
            Kind.WHOLE,
            "How many must be there: earlier orders, earlier gaps between days with "
            "orders, weeks on end, or orders in the year.",
            at_least=Decimal(1),
        ),
        Column(
            "least_change",
            Kind.NUMBER,
            "From which change on against the contact's own mean: 0.5 is by half.",
            required=False,
            above=ZERO,
            blank_means="the signal is no change",
        ),
        Column(
            "most_variation",
            Kind.NUMBER,
            "Up to where gaps are a rhythm: their standard deviation, as a share of "
            "their mean. 0 is like clockwork.",
            required=False,
            at_least=ZERO,
            blank_means="the signal is no rhythm",
        ),
        Column(
            "lapses_after",
            Kind.NUMBER,
            "After how many mean gaps without an order none is due or expected any "
            "more.",
            required=False,
            above=Decimal(1),
            blank_means="the signal is no rhythm",
        ),
        Column(
            "days_ahead",
            Kind.WHOLE,
            "How many days before an order falls due it is expected.",
            required=False,
            at_least=Decimal(1),
            blank_means="the signal is not purchase_expected",
        ),
        NOTE,
    ),
)

BUYING_STAGES = Sheet(
    name="buying_stages",
    folder="rules",
    description="From how many points on a contact is in a stage of buying.",
    key=("buying_stage",),
    colour="C00000",
    columns=(
        Column(
            "buying_stage",
            Kind.NAME,
            "The stage.",
            choices=STAGES,
        ),
        Column(
            "precedence",
            Kind.WHOLE,
            "1 is looked at first: the contact is in the first stage that it has "
            "reached.",
            at_least=Decimal(1),
        ),
        Column(
            "enter_at",
            Kind.NUMBER,
            "The faded points of the stage's activities, before caps, from which on it "
            "is reached.",
            above=ZERO,
        ),
        NOTE,
    ),
)

FIT_RULES = Sheet(
    name="fit_rules",
    folder="rules",
    description="Whom the shop looks for, whatever they do. Of the rules of one "
    "attribute the best counts; what isn't known of a contact counts neither way.",
    key=("attribute", "operator", "value"),
    colour="70AD47",
    columns=(
        *CONDITION,
        Column(
            "softness",
            Kind.NUMBER,
            "How far outside the range the points fade to 0, in the attribute's unit.",
            required=False,
            above=ZERO,
            blank_means="none outside the range",
        ),
        Column(
            "points",
            Kind.NUMBER,
            "What a match is worth beside the other attributes. Negative points are "
            "taken away, whatever else the attribute earns.",
        ),
        NOTE,
    ),
)

FIT_GRADES = Sheet(
    name="fit_grades",
    folder="rules",
    description="From which fit score on a contact has a grade.",
    key=("fit_grade",),
    colour="70AD47",
    columns=(
        Column("fit_grade", Kind.NAME, "The grade.", choices=("A", "B", "C", "D")),
        Column(
            "enter_at",
            Kind.NUMBER,
            "A contact has the grade when its fit score reaches this.",
            at_least=ZERO,
            at_most=Decimal(100),
        ),
    ),
)

EVENT_NAMES = Sheet(
    name="event_names",
    folder="feeds",
    description="Which activity an event of a feed is. Unlisted events are set aside.",
    key=("feed", "event_name"),
    colour="7030A0",
    columns=(
        Column("feed", Kind.NAME, "The feed that sends the event."),
        Column(
            "event_name",
            Kind.TEXT,
            "The event's name, exactly as it is sent; or the name, a colon and a "
            "detail in small letters, such as Ticket Opened: refund, which goes "
            "before the name alone.",
        ),
        Column(
            "activity",
            Kind.NAME,
            "The activity that it is.",
            required=False,
            refers_to=("activities", "activity"),
            blank_means="known, but no activity",
        ),
        Column(
            "effect",
            Kind.NAME,
            "measured: it counts what it measures, such as seconds, not once. "
            "takes_order_back: its order counts no more from then on.",
            required=False,
            choices=("measured", "takes_order_back"),
            blank_means="it counts once; with a detail: as the name alone",
        ),
    ),
)

FEED_PREFERENCES = Sheet(
    name="feed_preferences",
    folder="feeds",
    description="Which feed is believed when several tell of the same thing.",
    key=("feed",),
    colour="7F7F7F",
    columns=(
        Column("feed", Kind.NAME, "The feed."),
        Column(
            "preference",
            Kind.WHOLE,
            "1 is believed first. No two feeds share a number.",
            at_least=Decimal(1),
        ),
        NOTE,
    ),
)

HYGIENE_RULES = Sheet(
    name="hygiene_rules",
    folder="feeds",
    description="How machines, and the shop's own people, are known: what they do is "
    "set aside and earns nothing. Takes effect on all that was ever counted.",
    key=("rule",),
    colour="7F7F7F",
    columns=(
        Column("rule", Kind.NAME, "The rule's name."),
        Column(
            "method",
            Kind.NAME,
            "How it knows. user_agent: by the program that names itself. email: by an "
            "email of the contact. tool_flag: the tool says so. burst: by more than a "
            "person does at once. after_delivery: by emails handled as they arrive.",
            choices=("user_agent", "email", "tool_flag", "burst", "after_delivery"),
        ),
        Column(
            "feed",
            Kind.NAME,
            "The feed that it looks at.",
            required=False,
            refers_to=("feed_preferences", "feed"),
            blank_means="all feeds",
        ),
        Column(
            "activity",
            Kind.NAME,
            "The activity that it looks at.",
            required=False,
            refers_to=("activities", "activity"),
            blank_means="all activities",
        ),
        Column(
            "pattern",
            Kind.TEXT,
            "For user_agent and email: how it looks, in small letters; % stands for "
            "any text, _ for any one character.",
            required=False,
            blank_means="for the other methods",
        ),
        Column(
            "least_count",
            Kind.WHOLE,
            "For burst: this many at once are set aside. For after_delivery: this many "
            "of one email.",
            required=False,
            at_least=Decimal(1),
            blank_means="for the other methods",
        ),
        Column(
            "within_seconds",
            Kind.WHOLE,
            "For burst: at once means within so many seconds. For after_delivery: "
            "within so many seconds of the delivery.",
            required=False,
            at_least=ZERO,
            at_most=Decimal(3600),
            blank_means="for the other methods",
        ),
        Column("reason", Kind.NAME, "The reason it is set aside for."),
        Column("is_enabled", Kind.SWITCH, "false switches the rule off."),
        NOTE,
    ),
)

FEED_EXPECTATIONS = Sheet(
    name="feed_expectations",
    folder="feeds",
    description="What is usual for each table of a feed. What is not, such as a "
    "tracker that fell silent, is told by the build and shown in feed_health.",
    key=("feed", "feed_table"),
    colour="7F7F7F",
    columns=(
        Column(
            "feed",
            Kind.NAME,
            "The feed.",
            refers_to=("feed_preferences", "feed"),
        ),
        Column("feed_table", Kind.NAME, "The table of the feed."),
        Column(
            "late_after_hours",
            Kind.NUMBER,
            "After so many hours without a row the table is late. Days on which the "
            "shop rests don't count.",
            required=False,
            above=ZERO,
            blank_means="it may be silent",
        ),
        Column(
            "silent_after_hours",
            Kind.NUMBER,
            "And after so many it is silent.",
            required=False,
            above=ZERO,
            blank_means="it may be silent",
        ),
        Column(
            "quiet_weekdays",
            Kind.TEXT,
            "Days on which nothing is expected, such as sat sun.",
            required=False,
            blank_means="none",
        ),
        Column(
            "compared_weeks",
            Kind.WHOLE,
            "With how many weeks before a day is compared: with the median of the same "
            "weekday.",
            at_least=Decimal(1),
            at_most=Decimal(52),
        ),
        Column(
            "least_rows",
            Kind.WHOLE,
            "Fewer rows than this are chance: neither they nor a median under it are "
            "judged.",
            at_least=Decimal(1),
        ),
        Column(
            "least_share_of_median",
            Kind.NUMBER,
            "A day with less than this share of the median has collapsed.",
            required=False,
            at_least=ZERO,
            at_most=Decimal(1),
            blank_means="never",
        ),
        Column(
            "most_share_of_median",
            Kind.NUMBER,
            "A day with more than this many times the median is surging.",
            required=False,
            at_least=Decimal(1),
            blank_means="never",
        ),
        Column(
            "most_quarantine_share",
            Kind.NUMBER,
            "A day of whose rows a larger share can't be used is dirty.",
            required=False,
            at_least=ZERO,
            at_most=Decimal(1),
            blank_means="never",
        ),
        Column(
            "most_unknown_share",
            Kind.NUMBER,
            "A day of whose rows a larger share has names that event_names doesn't "
            "list has unknown names.",
            required=False,
            at_least=ZERO,
            at_most=Decimal(1),
            blank_means="never",
        ),
        NOTE,
    ),
)

IDENTIFIER_KINDS = (
    "customer_id",
    "user_id",
    "crm_id",
    "email",
    "phone",
    "anonymous_id",
)
IDENTITY_LIMITS = Sheet(
    name="identity_limits",
    folder="feeds",
    description="How many people an identifier may belong to. While it is linked with "
    "more, it is taken for shared, such as a family tablet or the mailbox of a team, "
    "and joins nobody. Without a row there is no limit.",
    key=("identifier_kind", "linked_kind"),
    colour="7F7F7F",
    columns=(
        Column(
            "identifier_kind",
            Kind.NAME,
            "The kind of identifier that may be shared.",
            choices=IDENTIFIER_KINDS,
        ),
        Column(
            "linked_kind",
            Kind.NAME,
            "The kind of identifier that tells its people apart. Another kind.",
            choices=IDENTIFIER_KINDS,
        ),
        Column(
            "people",
            Kind.WHOLE,
            "With how many of these it may be linked at a time.",
            at_least=Decimal(1),
        ),
        NOTE,
    ),
)

SHEETS = (
    SCORE_MODELS,
    ACTIVITIES,
    ATTRIBUTES,
    AUDIENCES,
    ACTIVITY_RULES,
    GROUP_RULES,
    SCORE_BANDS,
    DERIVED_SIGNALS,
    BUYING_STAGES,
    FIT_RULES,
    FIT_GRADES,
    EVENT_NAMES,
    FEED_PREFERENCES,
    HYGIENE_RULES,
    FEED_EXPECTATIONS,
    IDENTITY_LIMITS,
)


def columns_markdown() -> str:
    """Return the tables of columns that `docs/rules.md` holds."""
    return "\n".join(_sheet_markdown(sheet) for sheet in SHEETS)


def words(names: tuple[str, ...]) -> str:
    """Return names as a text: `a`, `a and b`, `a, b and c`."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _sheet_markdown(sheet: Sheet) -> str:
    lines = [
        f"### {sheet.name}",
        "",
        f"{sheet.description} No two rows share the same {words(sheet.key)}.",
        "",
        "| column | what it means | allowed |",
        "|---|---|---|",
        *(
            f"| `{column.name}` | {column.description} | {column.allowed} |"
            for column in sheet.columns
        ),
        "",
    ]
    return "\n".join(lines)
