# The C half of tools/house.sh: one pass over every .c and .h, file names as arguments, paths
# relative to the root. Set layers=FILE. Exit code 1 when something was found. Runs under mawk.

function say(where, what) { print where ": " what; found++ }

function glob_match(name, glob) {
    gsub(/\./, "[.]", glob)
    gsub(/\*/, ".*", glob)
    return name ~ ("^" glob "$")
}

function read_layers(    line, n, part, i) {
    while ((getline line < layers) > 0) {
        if (line ~ /^#/ || line ~ /^[ \t]*$/)
            continue
        n = split(line, part, " ")
        if (line ~ /^</) {
            libs++
            lib_name[libs] = part[1]
            for (i = 2; i <= n; i++)
                lib_where[libs] = lib_where[libs] (i > 2 ? " " : "") part[i]
            continue
        }
        sub(/:$/, "", part[1])
        known[part[1]] = 1
        may[part[1], part[1]] = 1
        for (i = 2; i <= n; i++)
            may[part[1], part[i]] = 1
    }
    close(layers)
}

# The line without comments and without what stands between quotes.
function strip(line,    out, token, c) {
    out = ""
    while (line != "") {
        if (in_comment) {
            if (!match(line, /\*\//))
                return out
            line = substr(line, RSTART + 2)
            in_comment = 0
            continue
        }
        if (!match(line, /"|'|\/\*|\/\//))
            return out line
        token = substr(line, RSTART, RLENGTH)
        out = out substr(line, 1, RSTART - 1)
        line = substr(line, RSTART + RLENGTH)
        if (token == "//")
            return out
        if (token == "/*") {
            in_comment = 1
            continue
        }
        out = out token token
        while (match(line, token == "\"" ? /["\\]/ : /['\\]/)) {
            c = substr(line, RSTART, 1)
            line = substr(line, RSTART + (c == "\\" ? 2 : 1))
            if (c != "\\")
                break
            if (line == "")
                break
        }
    }
    return out
}

function check_include(line,    name, i, k, n, where, ok, part) {
    if (match(line, /<[^>]+>/)) {
        if (folder == "")
            return
        name = substr(line, RSTART, RLENGTH)
        for (i = 1; i <= libs; i++) {
            if (!glob_match(name, lib_name[i]))
                continue
            n = split(lib_where[i], where, " ")
            ok = 0
            for (k = 1; k <= n; k++)
                if (glob_match(FILENAME, where[k]))
                    ok = 1
            if (!ok)
                say(FILENAME ":" FNR, "only " lib_where[i] " may include " name)
        }
        return
    }
    if (!match(line, /"[^"]+"/) || folder == "")
        return
    name = substr(line, RSTART + 1, RLENGTH - 2)
    if (name == "binnacle.h")
        return
    n = split(name, part, "/")
    if (n != 2) {
        say(FILENAME ":" FNR, "write \"folder/name.h\", not \"" name "\"")
        return
    }
    headers[FILENAME]++
    if (!((folder, part[1]) in may))
        say(FILENAME ":" FNR, folder "/ may not know " name)
    if (FILENAME ~ /\.h$/)
        edges[FILENAME] = edges[FILENAME] " src/" name
}

# How many parameters the last bracket at the top of a function's head holds.
function parameter_count(head,    i, c, depth, commas) {
    commas = 0
    depth = 0
    for (i = 1; i <= length(head); i++) {
        c = substr(head, i, 1)
        if (c == "(") {
            if (depth == 0)
                commas = 0
            depth++
        } else if (c == ")")
            depth--
        else if (c == "," && depth == 1)
            commas++
    }
    return commas + 1
}

function check_code(code,    name) {
    if (match(code, /(^|[^A-Za-z0-9_.>])(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|atoll|rand|srand|gmtime|localtime|system|popen|alloca|gets)[ ]*\(/)) {
        name = substr(code, RSTART, RLENGTH)
        gsub(/[^a-z]/, "", name)
        say(FILENAME ":" FNR, name "() is banned in this house")
    }
    if (code ~ /^                    +(if|for|while|switch|do)[ (]/)
        say(FILENAME ":" FNR, "nesting deeper than 4")
    if (code ~ /^\{/) {
        body = FNR
        if (head ~ /\)[ ]*$/ && parameter_count(head) > 6)
            say(FILENAME ":" FNR - 1, parameter_count(head) " parameters, budget 6")
        head = ""
    } else if (code ~ /^\}/) {
        if (body && FNR - body - 1 > 70 && was_function)
            say(FILENAME ":" body, FNR - body - 1 " lines in one function, budget 70")
        body = 0
        head = ""
    } else if (!body) {
        was_function = code ~ /\)[ ]*$/
        head = code ~ /;[ ]*$/ || code ~ /^#/ || code ~ /^[ ]*$/ ? "" : head code
    }
}

function end_file(    budget) {
    if (last == "")
        return
    lines += last_fnr
    order[++files] = last
    budget = last ~ /^(src|include)\/.*\.h$/ ? 150 : 600
    if (last_fnr > budget)
        say(last, last_fnr " lines, budget " budget ": split it by concept")
    if (last ~ /^(src|include)\/.*\.h$/) {
        if (!has_pragma && last !~ /^include/)
            say(last, "no #pragma once")
        if (!has_sentence)
            say(last, "must open with /*, then \" * " name_of(last) ": one sentence.\"")
        if (headers[last] > 8 || (headers[last] > 2 && !declares))
            say(last, "an umbrella header: include what you use where you use it")
    }
}

function name_of(file) {
    sub(/.*\//, "", file)
    sub(/\.[ch]$/, "", file)
    return file
}

function start_file(    n, part) {
    last = FILENAME
    seen[FILENAME] = 1
    in_comment = has_pragma = has_sentence = declares = body = 0
    head = sentence = ""
    folder = ""
    n = split(FILENAME, part, "/")
    if (part[1] != "src")
        return
    if (n != 3)
        say(FILENAME, "src/ is one folder deep: src/folder/name")
    else if (!(part[2] in known))
        say(FILENAME, part[2] "/ has no line in tools/layers.txt")
    folder = part[2]
}

# Header cycles: depth first along the includes.
function visit(file, path,    n, part, i) {
    if (state[file] == 2)
        return
    if (state[file] == 1) {
        say(file, "header cycle:" path " " file)
        return
    }
    state[file] = 1
    n = split(edges[file], part, " ")
    for (i = 1; i <= n; i++)
        visit(part[i], path " " file)
    state[file] = 2
}

# http_head is part of http: its test may be test_http_head.c or test_http.c. Where two folders have a
# module of one name, test_people.c is the test of one of them and test_live_people.c of the other.
function is_tested(folder, name,    test) {
    do {
        if (("tests/unit/test_" folder "_" name ".c") in seen)
            return 1
        test = "tests/unit/test_" name ".c"
        if (test in seen && (!(test in tests) || tests[test] == folder)) {
            tests[test] = folder
            return 1
        }
    } while (sub(/_[^_]*$/, "", name))
    return 0
}

BEGIN { read_layers() }

FNR == 1 {
    end_file()
    start_file()
}
{ last_fnr = FNR }

/^#[ ]*include/ { check_include($0); next }
/^#pragma once/ { has_pragma = 1 }

FNR == 1 && $0 == "/*" { opened = FILENAME }
FNR > 1 && FNR < 6 && opened == FILENAME && !has_sentence {
    if (FNR == 2 && index($0, " * " name_of(FILENAME) ": ") != 1)
        opened = ""
    else if ($0 ~ /\.$/)
        has_sentence = 1
    else if ($0 ~ /^ \*\/?$/)
        opened = ""
}

{
    code = $0
    if (in_comment || code ~ /["'\/]/)
        code = strip(code)
    if (code ~ /[a-z]/ && code !~ /^#pragma/)
        declares = 1
    check_code(code)
}

END {
    end_file()
    n = 0
    for (f = 1; f <= files; f++) {
        file = order[f]
        if (file ~ /^src\/(base|model|wire|live|topic|hub)\/.*\.h$/) {
            pair = file
            sub(/h$/, "c", pair)
            split(file, part, "/")
            name = name_of(file)
            if ((pair in seen) && !is_tested(part[2], name))
                say(pair, "no tests/unit/test_" name ".c (or test_" part[2] "_" name ".c) beside it")
        }
        if (file in edges)
            visit(file, "")
        if (file ~ /^src\/.*\.c$/) {
            if (headers[file] > 20)
                say(file, headers[file] " project headers, budget 20")
            count[++n] = headers[file] + 0
        }
    }
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && count[j - 1] > count[j]; j--) {
            swap = count[j]; count[j] = count[j - 1]; count[j - 1] = swap
        }
    if (n)
        printf "house: %d C files, %d lines; project headers per .c: median %d, most %d\n", files,
            lines, count[int((n + 1) / 2)], count[n]
    exit found > 0
}
