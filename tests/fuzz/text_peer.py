#!/usr/bin/env python3
"""text_peer: JSON and queries, read by us and by Python. `text_peer.py JUDGE SECONDS`: JUDGE is
tests/programs/text_judge.

Both must take and refuse the same, and read the same values. Python is told our rules first, which
are stricter than its own: no member twice, no NUL, no lone surrogate, no number beyond 64 bits, no
NaN, 16 levels; in queries no bad escape, no control byte, nothing but UTF-8, 64 parameters. Inputs
are the corpora of the doc, forms, live, history and url fuzzers and mutations of them, from a seed
that is printed. Closes with `N passed, N failed`.
"""
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
WORDS = {
    "json": [b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\u0000", b"\\ud83d", b"\\ude00", b"null", b"true",
             b"-0", b"1e308", b"1e309", b"9223372036854775807", b"-9223372036854775808",
             b"9223372036854775808", b"0.1", b"NaN", b"\xc3\xa4", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\x00", b" ", b"\n",
             b'"a":1', b"[" * 16],
    "query": [b"%", b"%2f", b"%00", b"%c3%a4", b"%C0%AF", b"+", b"&", b"=", b"a=1", b"%7f", b"\xc3\xa4", b"&&", b"%4"],
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


READERS = {"json": read_json, "query": read_query}


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
             "query": seeds_of(["history", "url"], {"history": 1, "url": 1}, [])}
    seed = int(os.environ.get("SEED", random.SystemRandom().randint(0, 1 << 31)))
    rng = random.Random(seed)
    failed, taken, tried = 0, 0, 0
    until = time.monotonic() + seconds
    while time.monotonic() < until and failed < 5:
        word = ("json", "query")[tried % 2]
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
