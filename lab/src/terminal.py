# terminal: a program on a terminal of its own, for the termproxy of the lab.
#
#   terminal.py shell|toy|login NAME [THEN PASSWORD]
#
# On its input: 'd' and four bytes of length, then what is typed; 'r', two bytes of columns and two of rows. On
# its output: what the terminal shows, as it comes. `shell` is a real shell, `toy` one that can do no harm,
# `login` asks for a name and a password, and lets root in with PASSWORD: to a `shell` or a `toy`. The end of the input ends the program.

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios

PIECE = 65536
HELP = 'help, echo WORDS, size, colours, utf8, lines N, exit'


def resize(fd, columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))


def toy(name):
    while True:
        sys.stdout.write('root@%s:~# ' % name)
        sys.stdout.flush()
        try:
            line = sys.stdin.readline()
        except KeyboardInterrupt:
            sys.stdout.write('\n')
            continue
        word, _, rest = line.strip().partition(' ')
        if not line or word == 'exit':
            return
        if word == 'echo':
            print(rest)
        elif word == 'size':
            size = os.get_terminal_size(0)
            print('%d columns, %d rows' % (size.columns, size.lines))
        elif word == 'colours':
            print(''.join('\x1b[%dm %d \x1b[0m' % (40 + n, n) for n in range(8)))
        elif word == 'utf8':
            print('Grüße, ωμέγα, 日本, 🚀')
        elif word == 'lines':
            for n in range(min(int(rest) if rest.isdigit() else 10, 100000)):
                print('line %d' % n)
        elif word == 'help':
            print(HELP)
        elif word:
            print('%s: not in this shell, which knows: %s' % (word, HELP))


def login(name, then, password):
    while True:
        sys.stdout.write('%s login: ' % name)
        sys.stdout.flush()
        who = sys.stdin.readline()
        if not who:
            return
        modes = termios.tcgetattr(0)
        modes[3] &= ~termios.ECHO
        termios.tcsetattr(0, termios.TCSADRAIN, modes)
        sys.stdout.write('Password: ')
        sys.stdout.flush()
        said = sys.stdin.readline()
        modes[3] |= termios.ECHO
        termios.tcsetattr(0, termios.TCSADRAIN, modes)
        if who.strip() == 'root' and said.strip() == password:
            sys.stdout.write('\n')
            sys.stdout.flush()
            return (shell if then == 'shell' else toy)(name)
        print('\n\nLogin incorrect')


def shell(name):
    env = {'PATH': '/usr/local/bin:/usr/bin:/bin', 'HOME': os.getcwd(), 'TERM': 'xterm-256color', 'LANG': 'C.UTF-8', 'HISTFILE': '/dev/null',
           'PS1': 'root@%s:~# ' % name}
    if os.path.exists('/bin/bash'):
        os.execve('/bin/bash', ['bash', '--norc', '--noprofile', '-i'], env)
    os.execve('/bin/sh', ['sh', '-i'], env)


class Typed:
    """What arrives on the input, taken apart."""

    def __init__(self):
        self.bytes = b''

    def take(self, more, fd):
        self.bytes += more
        data = b''
        while self.bytes:
            if self.bytes[:1] == b'r':
                if len(self.bytes) < 5:
                    break
                resize(fd, *struct.unpack('>HH', self.bytes[1:5]))
                self.bytes = self.bytes[5:]
                continue
            if len(self.bytes) < 5:
                break
            length = struct.unpack('>I', self.bytes[1:5])[0]
            if len(self.bytes) < 5 + length:
                break
            data += self.bytes[5:5 + length]
            self.bytes = self.bytes[5 + length:]
        return data


def read(fd):
    try:
        return os.read(fd, PIECE)
    except BlockingIOError:
        return None
    except OSError:
        return b''


def write(fd, data):
    try:
        return data[os.write(fd, data[:PIECE]):]
    except BlockingIOError:
        return data


# Neither side waits for the other: Ctrl+C gets through while nobody reads.
def relay(fd):
    typed, to_program, to_reader = Typed(), b'', b''
    for each in (0, 1, fd):
        os.set_blocking(each, False)
    while True:
        readers = ([0] if len(to_program) < PIECE else []) + ([fd] if len(to_reader) < PIECE else [])
        writers = ([fd] if to_program else []) + ([1] if to_reader else [])
        can_read, can_write, _ = select.select(readers, writers, [])
        if 0 in can_read:
            more = read(0)
            if more == b'':
                return
            to_program += typed.take(more or b'', fd)
        if fd in can_read:
            more = read(fd)
            if more == b'':
                break
            to_reader += more or b''
        if fd in can_write:
            to_program = write(fd, to_program)
        if 1 in can_write:
            to_reader = write(1, to_reader)
    os.set_blocking(1, True)
    while to_reader:
        to_reader = write(1, to_reader)


def main():
    what, *more = sys.argv[1:]
    pid, fd = pty.fork()
    if pid == 0:
        {'shell': shell, 'toy': toy, 'login': login}[what](*more)
        os._exit(0)
    resize(fd, 80, 20)
    try:
        relay(fd)
    except BrokenPipeError:
        pass
    os.close(fd)
    for number in (signal.SIGHUP, signal.SIGKILL):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            break


main()
