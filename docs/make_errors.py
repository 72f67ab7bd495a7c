"""Writes docs/errors.md from the one place where errors are worded (`make errors`; a test holds the page to it)."""

from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "services" / "catalogue"
PAGE = ROOT / "docs" / "errors.md"
_INTRO = """# Errors and findings 错误与检查结果

Made by `make errors` from `services/catalogue/errors.yaml` and `services/catalogue/messages/*.yaml`; change those.
Words in braces are the values that were measured or are allowed.

"""


def page() -> str:
    """The page as it must be."""
    lines = [_INTRO, "## Errors of calls 调用错误\n"]
    for code, text in yaml.safe_load((CATALOGUE / "errors.yaml").read_text("utf-8")).items():
        lines.append(f"### {code}\n")
        for lang, mark in (("zh", "中文"), ("en", "English")):
            t = text[lang]
            lines.append(f"- {mark}: **{t['title']}.** {t['detail']} → {t['fix']}")
        lines.append("")
    lines.append("## Findings about files 文件检查结果\n")
    for path in sorted((CATALOGUE / "messages").glob("*.yaml")):
        for code, text in yaml.safe_load(path.read_text("utf-8")).items():
            lines.append(f"### {code}\n")
            for lang, mark in (("zh", "中文"), ("en", "English")):
                lines.append(f"- {mark}: {text[lang]['message']} → {text[lang]['fix']}")
            lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
