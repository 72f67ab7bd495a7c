"""What a video's opening says (M15-2b): from lines of text in pictures to six fields, compared with what was declared.

Pure, so that `video` reads, `review` compares, and the command line does both with the same code.
"""
