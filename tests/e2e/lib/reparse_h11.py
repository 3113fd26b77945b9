"""reparse_h11: reads answers again with python3-h11, the strictest HTTP/1.1 reader Debian has.

Input: one JSON object a line, {"name", "methods": [...], "bytes": base64, "closed": bool}; the answers of
one connection in order. Output: `N answers`, or a line for each connection that h11 refused, exit 1.
"""
import base64
import json
import sys

import h11


def request(connection, method):
    fields = [("Host", "x")]
    if method == "UPGRADE":
        fields += [("Upgrade", "websocket"), ("Connection", "Upgrade")]
    if method != "HEAD":
        method = "GET"  # to the answer only HEAD makes a difference
    connection.send(h11.Request(method=method, target="/", headers=fields))
    connection.send(h11.EndOfMessage())


def read(case):
    connection = h11.Connection(h11.CLIENT)
    connection.receive_data(base64.b64decode(case["bytes"]))
    if case["closed"]:
        connection.receive_data(b"")
    answers = 0
    methods = list(case["methods"])
    while True:
        request(connection, methods.pop(0) if methods else "GET")
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA or isinstance(event, h11.ConnectionClosed):
                raise ValueError(f"answer {answers + 1} does not end: {event}")
            if event is h11.PAUSED:
                return answers + 1  # the upgrade was accepted: what follows is not HTTP
            if isinstance(event, h11.EndOfMessage):
                break
        answers += 1
        left, _ = connection.trailing_data
        if not left:
            return answers
        if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
            raise ValueError(f"{len(left)} bytes after the last answer")
        connection.start_next_cycle()


def main():
    answers = 0
    bad = 0
    for line in sys.stdin:
        case = json.loads(line)
        try:
            answers += read(case)
        except Exception as error:  # noqa: BLE001 - whatever h11 says
            bad += 1
            print(f"{case['name']}: {type(error).__name__}: {error}")
    print(f"{answers} answers")
    sys.exit(1 if bad else 0)


main()
