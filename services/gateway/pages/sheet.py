"""What a technical sheet calls things."""

from collections.abc import Mapping

from services.gateway.pages.words import N_

KINDS: Mapping[str, str] = {
    "General": N_("文件"),
    "Video": N_("画面"),
    "Audio": N_("声音"),
    "Text": N_("字幕"),
    "Other": N_("其他"),
}
NAMES: Mapping[str, str] = {
    "format": N_("格式"),
    "format_profile": N_("格式规格"),
    "codec_id": N_("编码标识"),
    "duration": N_("时长"),
    "file_size": N_("大小"),
    "overall_bit_rate": N_("总码率"),
    "bit_rate": N_("码率"),
    "bit_rate_mode": N_("码率模式"),
    "width": N_("宽"),
    "height": N_("高"),
    "display_aspect_ratio": N_("画面比例"),
    "rotation": N_("旋转"),
    "frame_rate": N_("帧率"),
    "frame_rate_mode": N_("帧率模式"),
    "scan_type": N_("扫描方式"),
    "chroma_subsampling": N_("色度抽样"),
    "bit_depth": N_("位深"),
    "color_primaries": N_("色彩原色"),
    "channel_s": N_("声道"),
    "sampling_rate": N_("采样率"),
    "language": N_("语言"),
    "encoded_date": N_("编码时间"),
    "tagged_date": N_("标记时间"),
    "writing_application": N_("写入软件"),
    "writing_library": N_("编码库"),
    "recorded_date": N_("录制时间"),
    "performer": N_("作者"),
    "title": N_("标题"),
}
