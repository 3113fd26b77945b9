#!/bin/sh
# Feeds tools/house.sh one bad tree per rule and checks that exactly that rule speaks; and a good tree,
# about which it must say nothing.
set -u
house=$(cd "$(dirname "$0")/../../tools" && pwd)/house.sh
top=$(mktemp -d) || exit 1
trap 'rm -rf "$top"' EXIT
passed=0
failed=0

# tree: a fresh tree that keeps every rule.
tree() {
    rm -rf "$top/t"
    mkdir -p "$top/t/src/wire" "$top/t/src/hub" "$top/t/src/store" "$top/t/tests/unit" "$top/t/ui/src" "$top/t/docs"
    cd "$top/t" || exit 1
    printf '/*\n * ws: frames.\n */\n#pragma once\n\nint bn_ws(int a);\n' >src/wire/ws.h
    printf '#include "wire/ws.h"\n\n#include <string.h>\n\nint bn_ws(int a)\n{\n    return a;\n}\n' >src/wire/ws.c
    printf '#include "bn_test.h"\n' >tests/unit/test_ws.c
    printf "export const ns = 'http://www.w3.org/2000/svg'; // as https://example.org/why says\n" >ui/src/main.ts
    # shellcheck disable=SC2016 # backticks of Markdown
    printf '| A1 | servers | done | `tests/unit/test_ws.c` |\n' >docs/features.md
}

# expect SENTENCE: the tree as it stands gets this complaint (a fixed string), and exit code 1.
expect() {
    said=$(sh "$house" "$top/t" 2>&1)
    code=$?
    if [ "$code" -eq 1 ] && printf '%s\n' "$said" | grep -qF -- "$1"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'wanted: %s\n   got: %s (exit %d)\n' "$1" "$said" "$code"
    fi
}

# silence WHY: nothing to say about the tree as it stands.
silence() {
    if said=$(sh "$house" "$top/t" 2>&1); then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'wanted silence (%s), got: %s\n' "$1" "$said"
    fi
}

lines() { awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) print "    a++;" }'; }

tree
silence 'a good tree'

# layers and libraries
tree; sed -i '1i #include "hub/hub.h"' src/wire/ws.c; expect 'src/wire/ws.c:1: wire/ may not know hub/hub.h'
tree; sed -i '1i #include <sqlite3.h>' src/wire/ws.c; expect 'may include <sqlite3.h>'
tree; sed -i '1i #include <openssl/ssl.h>' src/wire/ws.c; expect 'src/wire/ws.c:1: only src/io/tls*.c src/io/vnc_auth.c may include <openssl/ssl.h>'
tree; sed -i '1i #include "ws.h"' src/wire/ws.c; expect 'src/wire/ws.c:1: write "folder/name.h", not "ws.h"'
tree; mkdir src/wire/deep; cp src/wire/ws.c src/wire/deep/; expect 'src/wire/deep/ws.c: src/ is one folder deep'
tree; mkdir src/misc; cp src/wire/ws.c src/misc/; expect 'src/misc/ws.c: misc/ has no line in tools/layers.txt'
tree; for i in 1 2 3 4 5 6 7 8 9; do echo "#include \"wire/h$i.h\""; done >>src/wire/ws.h; expect 'src/wire/ws.h: an umbrella header'
tree; printf '/*\n * all: everything.\n */\n#pragma once\n#include "wire/a.h"\n#include "wire/b.h"\n#include "wire/c.h"\n' >src/wire/all.h; expect 'src/wire/all.h: an umbrella header'
tree; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do echo "#include \"wire/h$i.h\""; done >>src/wire/ws.c; expect 'src/wire/ws.c: 21 project headers, budget 20'
tree; printf '/*\n * a: a.\n */\n#pragma once\n#include "wire/ws.h"\nint bn_a(void);\n' >src/wire/a.h; sed -i 's|^#pragma once|&\n#include "wire/a.h"|' src/wire/ws.h; expect 'header cycle:'

# budgets
tree; lines 600 >>src/wire/ws.c; expect 'src/wire/ws.c: 608 lines, budget 600'
tree; lines 150 | sed 's/.*//' >>src/wire/ws.h; expect 'src/wire/ws.h: 156 lines, budget 150'
tree; { printf 'int bn_long(int a)\n{\n'; lines 71; echo '}'; } >>src/wire/ws.c; expect 'src/wire/ws.c:10: 71 lines in one function, budget 70'
tree; printf 'int bn_wide(int a, int b, int c,\n        int d, int e, int f, int g)\n{\n    return 1;\n}\n' >>src/wire/ws.c; expect '7 parameters, budget 6'
tree; printf 'void f(void)\n{\n                    if (1)\n                        g();\n}\n' >>src/wire/ws.c; expect 'src/wire/ws.c:11: nesting deeper than 4'

# calls
for call in strcpy strcat sprintf strtok atoi rand gmtime localtime system popen alloca gets; do
    tree; echo "int x(void) { return (int)$call(0); }" >>src/wire/ws.c; expect "src/wire/ws.c:9: $call() is banned"
done
tree; printf 'int y; // strcpy(a)\nchar *z = "system(1)"; /* gets(\n atoi() */\nint w(void) { return bn_gets(1) + a->system(2) + snprintf(0); }\n' >>src/wire/ws.c
silence 'quoted calls are no calls'

# headers and tests
tree; sed -i '2s/ws:/frames:/' src/wire/ws.h; expect 'src/wire/ws.h: must open with /*, then " * ws: one sentence."'
tree; sed -i '2s/frames\./frames/' src/wire/ws.h; expect 'src/wire/ws.h: must open with'
tree; sed -i '/pragma/d' src/wire/ws.h; expect 'src/wire/ws.h: no #pragma once'
tree; rm tests/unit/test_ws.c; sed -i d docs/features.md; expect 'src/wire/ws.c: no tests/unit/test_ws.c (or test_wire_ws.c) beside it'
tree; mkdir src/live; cp src/wire/ws.? src/live/; sed -i 's|wire/ws|live/ws|' src/live/ws.c; expect 'beside it'
cp tests/unit/test_ws.c tests/unit/test_live_ws.c; silence 'one test for each of two modules of one name'

# what is made
tree; echo /ui/src/made.ts >.gitignore; : >ui/src/made.ts; git init -q .; git add .; silence 'made, and not committed'
git add -f ui/src/made.ts; expect 'ui/src/made.ts:1: .gitignore names it'

# words
tree; echo '/* TO''DO: later */' >>src/wire/ws.c; expect 'src/wire/ws.c:9: a note to self'
tree; echo '// FIX''ME' >>ui/src/main.ts; expect 'ui/src/main.ts:2: a note to self'
tree; echo 'cd /ro''ot/x' >>docs/a.md; expect 'docs/a.md:1: the path of one machine'
tree; echo '"resolved": "https://registry.np''mjs.org/x"' >ui/package-lock.json; expect 'ui/package-lock.json:1: a package registry'
tree; : >'docs/a b.md'; expect 'docs/a b.md:1: letters, digits'

# the page
for word in 'a.innerHTML = b' 'a.outerHTML = b' 'a.insertAdjacentHTML(b)' 'document.write(a)' 'eval(a)' 'dangerouslySetInnerHTML={a}' 'new Function(a)'; do
    tree; echo "$word" >>ui/src/main.ts; expect 'ui/src/main.ts:2: the page makes nodes'
done
tree; echo "fetch('https://cdn.example.com/x')" >>ui/src/main.ts; expect 'ui/src/main.ts:2: the page asks its own server only'
tree; echo "@import '//fonts.example.com/x'" >>ui/src/a.css; expect 'ui/src/a.css:1: the page asks its own server only'

# features
tree; echo '| A2 | x | done | |' >>docs/features.md; expect 'docs/features.md:2: A2 is done: name its test'
tree; echo '| A2 | x | done | tests/unit/test_no.c |' >>docs/features.md; expect 'docs/features.md:2: no test tests/unit/test_no.c'
tree; echo '| A2 | x | part | tests/unit/test_ws.c:never_said |' >>docs/features.md; expect 'docs/features.md:2: no "never_said" in tests/unit/test_ws.c'
tree; echo '| A1 | x | open | |' >>docs/features.md; expect 'docs/features.md:2: A1 stands twice'
tree; echo '| A2 | x | nearly | |' >>docs/features.md; expect 'docs/features.md:2: A2: open, part or done, not nearly'

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
