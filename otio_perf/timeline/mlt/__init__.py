"""Projects of Kdenlive, Shotcut and MLT: XML in, a timeline as OpenTimelineIO spells it out. See ``project.read``."""
