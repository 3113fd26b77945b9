#!/usr/bin/env python3
"""http_peer: the same requests to our parser and to h11, another strict one; where they differ, a
reason of ours must stand below. `http_peer.py JUDGE SECONDS`: JUDGE is tests/programs/http_judge.

What both take they must read the same: method, target and number of body bytes. What we refuse and
h11 takes is right when our sentence is one of STRICTER; what h11 refuses and we take, when h11's is
one of LOOSER. Inputs are the corpora of the http and chunked fuzzers and mutations of them, from a
seed that is printed. Closes with `N passed, N failed`.
"""
import glob
import os
import random
import re
import subprocess
import sys
import time

import h11

# Ours, refused on purpose, and why. RFC 9112 unless said otherwise.
STRICTER = [
    ("got a LF alone", "2.2: a bare LF may be taken for CR LF; it is how requests are smuggled"),
    ("a CR before the request line must", "2.2: one empty line is forgiven, and it ends with CR LF"),
    ("got empty lines", "2.2: one empty line before a request is forgiven, not any number"),
    ("a CR in the request head must be followed by LF", "2.2: a bare CR is refused, not a blank"),
    ("must not be folded over lines", "5.2: obsolete line folding is refused"),
    ("must not hold control bytes", "RFC 9110 5.5: they have no business in a field"),
    ("must not come together", "6.3: both lengths may be an attack, so they are refused"),
    ("must not be sent twice", "fields that decide something come once, even when they agree"),
    ("a request must not have more than 64 fields", "a bound of ours"),
    ("a request head must not exceed", "a bound of ours"),
    ("a request target must not exceed", "a bound of ours"),
    ("a method must not exceed", "a bound of ours"),
    ("a chunk's size line must not exceed", "a bound of ours"),
    ("a chunk's size must be below 2^63", "a bound of ours"),
    ("trailers must not exceed", "a bound of ours"),
    ("Content-Length must be below 2^63", "a bound of ours"),
    ("Content-Length must be decimal digits", "6.3: a list of equal lengths is refused like others"),
    ("Host must be a host", "3.2: what names no host is refused; h11 leaves that to its user"),
    ("Host must be that of the target", "3.2.2: two different names are a mistake or an attack"),
    ("the target must name a host", "3.2.2: so in absolute-form"),
    ("a request target must start with '/'", "3.2: origin-form; h11 leaves that to its user"),
    ("a request target must be visible ASCII", "3.2: h11 leaves that to its user"),
    ("CONNECT is not served", "this is no proxy"),
    ("HTTP/1.0 has no Transfer-Encoding", "6.1: a 1.0 message with it is faulty framing"),
    ("the version must be", "2.3: h11 takes any digits and lets its user look"),
    ("a chunk's size must be followed by", "7.1: blanks after the size only before an extension"),
    ("a chunk must start with its size in hex", "7.1: h11 looks when the line is whole"),
    ("a chunk must end with CR LF after its size", "7.1: h11 looks when both bytes are there"),
    ("a CR in a chunked body must", "7.1: h11 0.14 skips the two bytes after a chunk unread"),
    ("a trailer must be", "7.1.2: checked as fields are, and then ignored"),
]

# h11's, refused where we take it, and why that is right.
LOOSER = [
    ("Receive buffer too long", "h11's bound is its reader's buffer, ours is 16 KiB of head"),
    ("bad Content-Length", "more than 20 digits, leading zeros among them: we bound the value"),
    ("illegal header line", "RFC 9110 5.5: bytes above 0x7f (obs-text) may stand in a value"),
    ("illegal chunk header", "7.1: more than 20 digits of a size, or an extension h11 does not like"),
    ("illegal request line", "2.2: an empty line before a request is forgiven, which h11 does not do"),
    ("no request line received", "2.2: the same"),
    ("Only Transfer-Encoding: chunked is supported", "6.5.1: in a trailer; we ignore those"),
    ("multiple Transfer-Encoding headers", "6.5.1: in trailers; we ignore those"),
    ("conflicting Content-Length headers", "6.5.1: in trailers; we ignore those"),
]

CHUNKED_HEAD = b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
PIECES = [b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b"0", b"Host: a\r\n", b"Content-Length: 3\r\n",
          b"Transfer-Encoding: chunked\r\n", b"HTTP/1.0", b"HTTP/1.1", b"5\r\nhello\r\n", b"0\r\n\r\n",
          b";a=b", b"GET / ", b"http://a/", b"\x00", b"\x80", b",", b"Connection: close\r\n"]


def ask_h11(data):
    peer = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    request, body = None, 0
    try:
        peer.receive_data(data)
        while True:
            event = peer.next_event()
            if event is h11.NEED_DATA:
                return ("more",)
            if isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body += len(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return ("ok", request.method, request.target, body)
            else:
                return ("more",)
    except h11.RemoteProtocolError as error:
        return ("bad", str(error))


class Judge:
    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, data):
        self.process.stdin.write(b"%d\n" % len(data) + data)
        self.process.stdin.flush()
        line = self.process.stdout.readline().rstrip(b"\n")
        if not line:
            raise SystemExit("the judge died on %r\n0 passed, 1 failed" % data)
        word, _, rest = line.partition(b" ")
        if word == b"ok":
            method, target, body = rest.split(b" ")
            return ("ok", method, target, int(body))
        return (word.decode(), rest.decode("utf-8", "replace"))


def mutate(rng, seeds):
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.randint(1, 4)):
        at = rng.randint(0, len(data))
        what = rng.randint(0, 5)
        if what == 0 and data:
            data[at % len(data)] = rng.randint(0, 255)
        elif what == 1:
            data[at:at] = rng.choice(PIECES)
        elif what == 2:
            del data[at:at + rng.randint(1, 8)]
        elif what == 3:
            other = rng.choice(seeds)
            data[at:] = other[rng.randint(0, len(other)):]
        elif what == 4:
            end = rng.randint(at, len(data))
            data[at:at] = data[at:end]
        else:
            data[at:at + 1] = bytes([rng.choice(b"\r\n \t:;0123456789abcXx,/-")])
    return bytes(data[:20000])


def same_target(ours, theirs):
    """We reduce absolute-form to its path, which may be none."""
    path = re.sub(rb"^https?://[^/?]*", b"", theirs, flags=re.I)
    return ours in (theirs, path, b"/" + path)


def explain(ours, theirs):
    """Why they may differ; None: nobody knows."""
    if ours[0] == theirs[0] == "ok":
        return "same" if ours[1] == theirs[1] and same_target(ours[2], theirs[2]) and \
            ours[3] == theirs[3] else None
    if ours[0] == theirs[0]:
        return "same"
    if ours[0] == "bad":
        return next((why for text, why in STRICTER if text in ours[1]),
                    "h11 waits for the rest" if theirs[0] == "more" else None)
    if theirs[0] == "bad":
        return next((why for text, why in LOOSER if text in theirs[1]), None)
    return None


def main():
    judge, seconds = Judge(sys.argv[1]), float(sys.argv[2])
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")
    seeds = []
    for path in sorted(glob.glob(here + "/http/*") + glob.glob(here + "/chunked/*")):
        data = open(path, "rb").read()
        is_body = "/chunked/" in path and data and data[0] % 3 != 2
        seeds.append(CHUNKED_HEAD + data[1:] if is_body else data[1:])
    seed = int(os.environ.get("SEED", random.SystemRandom().randint(0, 1 << 31)))
    rng = random.Random(seed)
    counts, odd, tried = {}, {}, 0
    until = time.monotonic() + seconds
    while tried < len(seeds) or time.monotonic() < until:
        data = seeds[tried] if tried < len(seeds) else mutate(rng, seeds)
        tried += 1
        ours, theirs = judge.ask(data), ask_h11(data)
        why = explain(ours, theirs)
        if why:
            counts[why] = counts.get(why, 0) + 1
        else:
            key = (ours[0], theirs[0], ours[1] if ours[0] == "bad" else theirs[1] if theirs[0] == "bad" else "")
            odd.setdefault(key, (data, ours, theirs))
    for data, ours, theirs in odd.values():
        print("FAILED: nobody says why they differ: %r\n  ours %r\n  h11  %r" % (data[:400], ours, theirs))
    for why, count in sorted(counts.items(), key=lambda item: -item[1]):
        print("%7d %s" % (count, why))
    print("%d requests, h11 %s, SEED=%d" % (tried, h11.__version__, seed))
    print("%d passed, %d failed" % (1 if not odd else 0, len(odd)))
    return 1 if odd else 0


sys.exit(main())
