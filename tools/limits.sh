#!/bin/sh
# limits: docs/limits.md from src/model/limits*.h: `limits.sh` compares, `limits.sh --write` writes.
set -eu
LC_ALL=C
export LC_ALL
cd "$(dirname "$0")/.."

# human UNIT NUMBER: as a person says it.
human() {
    case $1 in
    ms)
        if [ $(($2 % 86400000)) -eq 0 ]; then echo "$(($2 / 86400000)) d"
        elif [ $(($2 % 3600000)) -eq 0 ]; then echo "$(($2 / 3600000)) h"
        elif [ $(($2 % 1000)) -eq 0 ]; then echo "$(($2 / 1000)) s"
        else echo "$2 ms"; fi
        ;;
    bytes)
        if [ $(($2 % 1073741824)) -eq 0 ]; then echo "$(($2 / 1073741824)) GiB"
        elif [ $(($2 % 1048576)) -eq 0 ]; then echo "$(($2 / 1048576)) MiB"
        elif [ $(($2 % 1024)) -eq 0 ]; then echo "$(($2 / 1024)) KiB"
        else echo "$2 B"; fi
        ;;
    bps) echo "$2 B/s" ;;
    *) echo "$2" ;;
    esac
}

unit() {
    case $1 in
    *_MS) echo ms ;;
    *_BPS) echo bps ;;
    *BYTES* | *_WINDOW | *_MESSAGE_MAX | *_INFLIGHT_MAX) echo bytes ;;
    *) echo count ;;
    esac
}

table() {
    echo '# Limits'
    echo
    # shellcheck disable=SC2016 # Markdown's quotes
    echo 'Made by `tools/limits.sh --write` from src/model/limits.h, limits_console.h, limits_sio.h, limits_ssh.h and limits_work.h, and src/io/ssh.h and ssh_pipe.h. What happens at each'
    echo 'is said beside it; where nothing is said, what is beyond is refused with a sentence.'
    sed -n 's|^/\* --- \(.*\) --- \*/$|= \1|p; s|^#define \(BN_[A-Z_0-9]*\) *|\1 |p' src/model/limits.h src/model/limits_console.h src/model/limits_sio.h src/model/limits_ssh.h src/model/limits_work.h \
        src/io/ssh.h src/io/ssh_pipe.h |
        while read -r name rest; do
            if [ "$name" = '=' ]; then
                printf '\n## %s\n\n| limit | value | |\n|---|---|---|\n' "${rest%% (*}"
                continue
            fi
            comment=
            case $rest in *'/*'*) comment=${rest#*/\* } comment=${comment% \*/} ;; esac
            value=$(echo "${rest%%/\**}" | sed 's/LL//g')
            # shellcheck disable=SC2004,SC2016 # an expression to be worked out; Markdown's quotes
            printf '| `%s` | %s | %s |\n' "$name" "$(human "$(unit "$name")" "$(($value))")" "$comment"
        done
}

if [ "${1:-}" = --write ]; then
    table >docs/limits.md
elif ! table | cmp -s - docs/limits.md; then
    echo 'docs/limits.md: differs from src/model/limits.h; run tools/limits.sh --write' >&2
    exit 1
fi
