#!/usr/bin/env python3
"""text_peer: JSON, queries and CSV, read by us and by Python. `text_peer.py JUDGE SECONDS`: JUDGE is
tests/programs/text_judge.

Both must take and refuse the same, and read the same values. Python is told our rules first, which
are stricter than its own: no member twice, no NUL, no lone surrogate, no number beyond 64 bits, no
NaN, 16 levels; in queries no bad escape, no control byte, nothing but UTF-8, 64 parameters; a CSV
file must match the grammar of RFC 4180 for its separator, and then Python's csv module says what
its rows and their lines are. Inputs are the corpora of the csv, doc, forms, live, history and url
fuzzers and mutations of them, from a seed that is printed. Closes with `N passed, N failed`.
"""
import csv
import glob
import json
import math
import os
import random
import re
import subprocess
import sys
import time
import urllib.parse

LEVELS = 16
PARAMS = 64
COLUMNS, FIELD, ROWS = 64, 4096, 10001
WORDS = {
    "json": [b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\u0000", b"\\ud83d", b"\\ude00", b"null", b"true",
             b"-0", b"1e308", b"1e309", b"9223372036854775807", b"-9223372036854775808",
             b"9223372036854775808", b"0.1", b"NaN", b"\xc3\xa4", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\x00", b" ", b"\n",
             b'"a":1', b"[" * 16],
    "query": [b"%", b"%2f", b"%00", b"%c3%a4", b"%C0%AF", b"+", b"&", b"=", b"a=1", b"%7f", b"\xc3\xa4", b"&&", b"%4"],
    "csv": [b'"', b'""', b'"""', b",", b";", b"\t", b"\n", b"\r\n", b"\r", b"#", b" ", b"a", b'"a,b"', b'"a\nb"', b',"',
            b'",', b'"\n', b"\xef\xbb\xbf", b"\xc3\xa4", b"\xc3", b"\x00", b"\xff", b"," * 63, b"x" * 4095, b"'="],
}


REFUSED = object()


class Refused(Exception):
    pass


def pairs(found):
    if len({name for name, _ in found}) != len(found):
        raise Refused("twice")
    return dict(found)


def whole(text):
    value = int(text) if len(text) < 30 else 1 << 64
    if not -(1 << 63) <= value < 1 << 63:
        raise Refused("too big")
    return value


def real(text):
    value = float(text)
    if math.isinf(value):
        raise Refused("too big")
    return value


def constant(text):
    raise Refused(text)


def check(value, level):
    if isinstance(value, str) and ("\0" in value or re.search("[\ud800-\udfff]", value)):
        raise Refused("no text")
    if isinstance(value, (dict, list)):
        if level > LEVELS:
            raise Refused("deep")
        for name in value if isinstance(value, dict) else ():
            check(name, level)
        for item in value.values() if isinstance(value, dict) else value:
            check(item, level + 1)


def read_json(data):
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=pairs, parse_int=whole,
                           parse_float=real, parse_constant=constant)
        check(value, 1)
        return value
    except (ValueError, RecursionError) as error:
        raise Refused(str(error)) from error


def decode(data):
    if re.search(rb"%(?![0-9A-Fa-f]{2})", data):
        raise Refused("escape")
    plain = urllib.parse.unquote_to_bytes(data.replace(b"+", b" "))
    if re.search(rb"[\x00-\x1f\x7f]", plain):
        raise Refused("control byte")
    try:
        return plain.decode("utf-8")
    except ValueError as error:
        raise Refused("UTF-8") from error


def read_query(data):
    out = []
    for piece in filter(None, data.split(b"&")):
        name, _, value = piece.partition(b"=")
        out.append([decode(name), decode(value)])
    if len(out) > PARAMS:
        raise Refused("many")
    return out


def separator_of(text):
    """The first one outside quotes in the first line that has a row; quotes may hold line ends."""
    found = re.match('(?:[^,;\t\n"]|"[^"]*")*([,;\t])', text)
    return found.group(1) if found else ","


def grammar_of(separator):
    field = '(?:"(?:[^"]|"")*"|[^"\r\n%s]*)' % separator
    return re.compile("(?:%s(?:%s%s)*(?:\r?\n|\\Z))*" % (field, separator, field))


GRAMMARS = {separator: grammar_of(separator) for separator in ",;\t"}


def read_csv(data):
    if b"\0" in data or data[:1] in (b"\xff", b"\xfe"):
        raise Refused("no text")
    try:
        text = data.decode("utf-8")
    except ValueError as error:
        raise Refused("UTF-8") from error
    text = text[1:] if text.startswith("\ufeff") else text
    head = re.match("(?:#[^\r\n]*\r?\n|\r?\n)*(?:#[^\r\n]*\\Z)?", text).group()
    text, before = text[len(head):], head.count("\n")
    separator = separator_of(text)
    if not GRAMMARS[separator].fullmatch(text):
        raise Refused("RFC 4180")
    rows = []
    reader = csv.reader(re.findall("[^\n]*\n|[^\n]+", text), delimiter=separator, strict=True)
    line = 0
    for row in reader:
        if row:
            rows.append([before + line + 1] + row)
        line = reader.line_num
        if len(row) > COLUMNS or any(len(field.encode()) > FIELD for field in row):
            raise Refused("too big")
    if len(rows) > ROWS:
        raise Refused("many rows")
    return rows


READERS = {"json": read_json, "query": read_query, "csv": read_csv}


def is_same(a, b):
    """Equal, and of the same type: to Python 1 == 1.0 == True."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(is_same(a[name], b[name]) for name in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(is_same, a, b))
    return a == b


def mutate(rng, seeds, words):
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.randint(0, 3)):
        at = rng.randint(0, len(data))
        what = rng.randint(0, 4)
        if what == 0 and data:
            data[at % len(data)] = rng.randint(0, 255)
        elif what == 1:
            data[at:at] = rng.choice(words)
        elif what == 2:
            del data[at:at + rng.randint(1, 4)]
        elif what == 3:
            other = rng.choice(seeds)
            data[at:] = other[rng.randint(0, len(other)):]
        else:
            data[at:at] = data[at:rng.randint(at, len(data))]
    return bytes(data[:4000])


def seeds_of(folders, skip, splits):
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")
    found = []
    for folder in folders:
        for path in sorted(glob.glob(os.path.join(here, folder, "*"))):
            data = open(path, "rb").read()[skip.get(folder, 0):]
            found += data.split(b"\n") if folder in splits else [data]
    return found


def main():
    judge = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    seconds = float(sys.argv[2])
    seeds = {"json": seeds_of(["doc", "forms", "live"], {"forms": 1}, ["live"]),
             "query": seeds_of(["history", "url"], {"history": 1, "url": 1}, []),
             "csv": seeds_of(["csv"], {}, [])}
    seed = int(os.environ.get("SEED", random.SystemRandom().randint(0, 1 << 31)))
    rng = random.Random(seed)
    failed, taken, tried = 0, 0, 0
    until = time.monotonic() + seconds
    while time.monotonic() < until and failed < 5:
        word = ("json", "query", "csv")[tried % 3]
        data = mutate(rng, seeds[word], WORDS[word])
        tried += 1
        judge.stdin.write(b"%s %d\n" % (word.encode(), len(data)) + data)
        judge.stdin.flush()
        line = judge.stdout.readline()
        if not line:
            print("the judge died on %r" % data)
            failed += 1
            break
        try:
            want, why = READERS[word](data), ""
        except Refused as error:
            want, why = REFUSED, error
        is_bad = line.startswith(b"bad ")
        taken += not is_bad
        if is_bad != (want is REFUSED) or not (is_bad or is_same(json.loads(line), want)):
            failed += 1
            print("FAILED: %s %r\n  ours   %r\n  Python %r" % (word, data, line[:300], why or want))
    print("%d texts, %d of them taken, SEED=%d" % (tried, taken, seed))
    print("%d passed, %d failed" % (0 if failed else 1, failed))
    return 1 if failed else 0


sys.exit(main())
