"""Which pages may take long to draw, so that it is tried before anybody is told that a file is all right.

A scan and a page of text cannot: each thing on it is drawn once. Forms that draw forms multiply, and patterns, shadings
and soft masks work for every point.
"""

from collections.abc import Iterator

import pikepdf

#: A letterhead in a watermark in a page is honest.
_MOST_LEVELS = 3
_WORKING = ("/Pattern", "/Shading")
_MOST_FORMS = 1_000


def is_doubtful(page: pikepdf.Object) -> bool:
    """Whether anything on `page`, at any depth, works for every point, or forms stand deep in forms."""
    waiting: list[tuple[pikepdf.Object, int]] = [(page, 0)]
    entered: set[tuple[int, int]] = set()
    while waiting:
        target, level = waiting.pop()
        resources = target.get("/Resources")
        if not isinstance(resources, pikepdf.Dictionary):
            continue
        if level > _MOST_LEVELS or len(entered) > _MOST_FORMS or _works(resources):
            return True
        for form in _forms(resources):
            if form.objgen not in entered:
                entered.add(form.objgen)
                waiting.append((form, level + 1))
    return False


def _works(resources: pikepdf.Dictionary) -> bool:
    for key in _WORKING:
        found = resources.get(key)
        if isinstance(found, pikepdf.Dictionary) and len(found):
            return True
    states, fonts = resources.get("/ExtGState"), resources.get("/Font")
    return any(isinstance(each.get("/SMask"), pikepdf.Dictionary) for each in _inside(states)) or any(
        each.get("/Subtype") == "/Type3" for each in _inside(fonts)
    )


def _forms(resources: pikepdf.Dictionary) -> Iterator[pikepdf.Stream]:
    drawn = resources.get("/XObject")
    for target in drawn.values() if isinstance(drawn, pikepdf.Dictionary) else ():
        if isinstance(target, pikepdf.Stream) and target.get("/Subtype") == "/Form":
            yield target


def _inside(value: object) -> Iterator[pikepdf.Dictionary]:
    for target in value.values() if isinstance(value, pikepdf.Dictionary) else ():
        if isinstance(target, pikepdf.Dictionary):
            yield target
