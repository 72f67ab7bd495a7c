"""Where the platform is killed: service, moment, port and method, which call, and optionally what it must carry."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """Kill at the `nth` call of `port.method` of `service`; `carrying` counts only calls whose arguments hold it."""

    service: str
    #: "before", "after", or "mid" (in the middle of the body that the call is given).
    when: str
    port: str
    method: str
    nth: int = 1
    carrying: str = ""

    def __str__(self) -> str:
        """As it travels in an environment variable."""
        return f"{self.service}:{self.when}:{self.port}:{self.method}:{self.nth}:{self.carrying}"

    @classmethod
    def parse(cls, text: str) -> "Point":
        """The point in an environment variable."""
        service, when, port, method, nth, carrying = text.split(":")
        return cls(service=service, when=when, port=port, method=method, nth=int(nth), carrying=carrying)


SMOKE = (
    Point(service="pdfcheck", when="after", port="storage", method="put_file"),
    Point(service="review", when="before", port="events", method="append", carrying="decision-made"),
)
REST = (
    Point(service="upload", when="after", port="storage", method="complete_upload", nth=2),
    Point(service="gateway", when="mid", port="storage", method="receive_part", nth=2),
    Point(service="gateway", when="after", port="storage", method="receive_part", nth=3),
    Point(service="upload", when="before", port="storage", method="complete_upload"),
    Point(service="upload", when="before", port="events", method="append"),
    Point(service="upload", when="after", port="events", method="append", nth=2),
    Point(service="upload", when="after", port="storage", method="copy", nth=2),
    Point(service="pdfcheck", when="before", port="sandbox", method="run", nth=2),
    Point(service="pdfcheck", when="after", port="sandbox", method="run", nth=3),
    Point(service="pdfcheck", when="before", port="events", method="append", carrying="material-merged"),
    Point(service="review", when="after", port="events", method="append", nth=3),
    Point(service="review", when="before", port="events", method="append", carrying="dossier-submitted"),
)
