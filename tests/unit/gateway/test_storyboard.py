"""The storyboard as pages and players read it."""

from services.gateway.pages import storyboard

LOOK = {
    "samples": [{"time_s": 10.0 * n, "black": n == 1} for n in range(12)],
    "columns": 10, "cell_width_px": 192, "cell_height_px": 108,
}  # fmt: skip


def test_every_sample_has_its_cell_and_lasts_until_the_next() -> None:
    cells = storyboard.cells(LOOK, 125.5)
    assert [(c.start_s, c.end_s) for c in cells[:2]] == [(0, 10), (10, 20)]
    assert (cells[-1].start_s, cells[-1].end_s) == (110, 125.5)
    assert [(c.x, c.y) for c in cells[9:11]] == [(1728, 0), (0, 108)]
    assert [c.black for c in cells[:3]] == [False, True, False]
    assert storyboard.size(LOOK) == (1920, 216)


def test_cues_name_parts_of_the_picture() -> None:
    text = storyboard.vtt(LOOK, 125.5)
    assert text.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:10.000\nstoryboard.jpg#xywh=0,0,192,108\n\n")
    assert "00:01:50.000 --> 00:02:05.500\nstoryboard.jpg#xywh=192,108,192,108" in text
    assert text.count("-->") == 12


def test_nothing_seen_is_an_empty_file_of_cues() -> None:
    assert storyboard.vtt({**LOOK, "samples": []}, 0) == "WEBVTT\n"
