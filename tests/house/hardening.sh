#!/bin/sh
# hardening: what the shipped binary must show: `hardening.sh BINARY` (docs: SECURITY A02).
set -u
LC_ALL=C
export LC_ALL
binary=$1
passed=0
failed=0

expect() {
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $1: wanted $3, got ${2:-nothing}"
    fi
}
has() { if grep -qE -- "$1"; then echo yes; else echo no; fi; }

head=$(readelf -hldW "$binary")
symbols=$(nm -D --undefined-only "$binary" | sed 's/.* //; s/@.*//')
expect 'position independent' "$(echo "$head" | has 'Type: +DYN')" yes
expect 'relocations read-only' "$(echo "$head" | has 'GNU_RELRO')" yes
expect 'bound at start' "$(echo "$head" | has '\(FLAGS_1\).*NOW|BIND_NOW')" yes
expect 'stack not executable' "$(echo "$head" | has 'GNU_STACK.* RWE')" no
expect 'no segment both written and executed' "$(echo "$head" | has 'LOAD.* RWE')" no
expect 'no RPATH' "$(echo "$head" | has 'R(UN)?PATH')" no
expect 'stack protector' "$(echo "$symbols" | has '^__stack_chk_fail$')" yes
expect 'fortified calls' "$(echo "$symbols" | has '_chk$')" yes
# Debian 12's own start code lacks the landing mark, so the linker drops the note from every program; what is
# ours carries it, ready for a system whose C library does too.
if [ "$(uname -m)" = x86_64 ]; then
    expect 'indirect calls land on a mark' \
        "$(objdump -d --no-show-raw-insn --disassemble=main "$binary" | has 'endbr64')" yes
fi
for name in strcpy strcat sprintf vsprintf strtok atoi rand srand gmtime localtime system popen gets mktemp tmpnam; do
    expect "calls $name" "$(echo "$symbols" | has "^$name\$")" no
done
expect 'carries test hooks' "$(nm "$binary" | has ' bn_(fault|crash_at|test)_')" no
expect 'names the folder it was built in' "$(strings -n 8 "$binary" | grep -cF "$(pwd)")" 0
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
