"""Sources that several variants name."""

LIST = "the 2004 to-do list of the Linux memory hotplug developers"
