"""What every child process calls first: die with the parent. It lives with the engines, whose children need it too."""

from hortus.engines.parent_death import die_with_parent

__all__ = ["die_with_parent"]
