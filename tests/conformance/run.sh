#!/usr/bin/env bash
# Replays the recorded cases against a built gateway. The last line is 'N passed, N failed'.
#
# usage: tests/conformance/run.sh [GATEWAY] [OPTION...]     GATEWAY: build/dev/gladius; options: see replay.py --help
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
gateway=$here/../../build/dev/gladius
if [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; then
    gateway=$1
    shift
fi
exec python3 -B "$here/replay.py" --gateway "$gateway" "$@"
