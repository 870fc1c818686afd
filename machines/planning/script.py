"""A plan as a POSIX shell script, for machines without memhp.

It does what `memhp apply` does by default: one block after the other, each within its time, and
back to where it was if one does not go.  It needs coreutils' `timeout`.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

__all__ = ["script_of"]

_HEAD = """\
#!/bin/sh
# {title}
# Takes {count} memory blocks offline, one after the other; if one does not go, those that went
# are brought online again, each in its zone.  Made by memhp plan; see memhp plan --help.
set -u
MEMORY=${{MEMORY:-/sys/devices/system/memory}}
went=

stop() {{
    echo "$1" >&2
    trap '' INT TERM HUP
    for each in $went; do
        block=${{each%%:*}}
        echo "${{each##*:}}" >"$MEMORY/memory$block/state" && echo "block $block is online again"
    done
    exit 1
}}
trap 'stop "interrupted: going back"' INT TERM HUP

# offline BLOCK ZONE SECONDS WORD: WORD brings it back into its zone
offline() {{
    file=$MEMORY/memory$1/state
    read -r state <"$file" || stop "block $1: there is no such block"
    if [ "$state" = offline ]; then
        echo "block $1 is offline already"
        return
    fi
    read -r zone _ <"$MEMORY/memory$1/valid_zones" || stop "block $1: its zone cannot be read"
    [ "$zone" = "$2" ] || stop "block $1 is in zone $zone now, not $2: plan anew"
    # shellcheck disable=SC2016
    timeout -k 10 "$3" sh -c 'echo offline >"$1"' sh "$file" ||
        stop "block $1 did not go offline within $3 seconds, or was refused: dmesg tells why"
    read -r state <"$file" && [ "$state" = offline ] || stop "block $1 says $state"
    went="$1:$4${{went:+ $went}}"
    echo "block $1 is offline"
}}

command -v timeout >/dev/null || {{ echo "timeout is not here" >&2; exit 2; }}
[ "$(getconf PAGE_SIZE 2>/dev/null || echo {page})" = {page} ] &&
    [ "$(cat "$MEMORY/block_size_bytes")" = {size} ] || {{
    echo "this is not the machine that was planned for: blocks or pages have another size" >&2
    exit 2
}}
"""


def script_of(document: Mapping[str, Any]) -> str:
    """The script that does what a plan's document says.

    Args:
        document: as `plan_document` makes it.
    """
    steps = document["steps"]
    title = f"memhp plan: {document['goal']['words']} of {document['source']}"
    head = _HEAD.format(
        title="".join(each if each.isprintable() else "?" for each in title[:200]),
        count=len(steps),
        page=document["machine"]["page_size"],
        size=f"{document['machine']['block_size']:x}",
    )
    lines = [
        shlex.join(
            ["offline", str(step["block"]), step["zone"], f"{step['limit']:g}", step["back"]]
        )
        for step in steps
    ]
    return "\n".join([head, *lines, ""])
