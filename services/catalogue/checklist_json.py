"""The checklist as plain data: what `shenbao checklist --json` prints and the API answers."""

from services.catalogue.checklist import Checklist, Entry

Data = dict[str, object]


def to_data(checklist: Checklist) -> Data:
    """Items with components and reasons, and the paper set."""
    return {
        "items": [_entry(entry) for entry in checklist.entries],
        "paper": [
            {
                "id": line.id,
                "title_zh": line.title_zh,
                "title_en": line.title_en,
                "copies": line.copies,
                "form": line.form,
                "rules": list(line.rules),
                "generated_by_system": line.generated_by_system,
                "interpretation": line.interpretation,
            }
            for line in checklist.paper
        ],
    }


def _entry(entry: Entry) -> Data:
    item = entry.item
    return {
        "item": item.id,
        "number": item.number,
        "ordinal": entry.ordinal,
        "title_zh": item.title_zh,
        "title_en": item.title_en,
        "reason_zh": entry.reason_zh,
        "reason_en": entry.reason_en,
        "rules": list(item.rules),
        "quote": item.source_quote,
        "media": list(item.media),
        "upload_optional": entry.upload_optional,
        "components": [
            {"id": owed.component.id, "zh": owed.component.zh, "en": owed.component.en, "due": owed.due}
            for owed in entry.components
        ],
        "alternatives": [{"choose": a.choose, "of": list(a.of), "rule": a.rule} for a in entry.alternatives],
        "notes": list(item.notes),
    }
