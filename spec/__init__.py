"""The specification of memory hotplug."""
