"""A checkable specification of Linux memory hotplug."""
