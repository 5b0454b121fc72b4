"""A DNS server for the tests: what it answers follows from the first label of the name, each question is logged."""
import random, socket, struct, sys, threading, time

address, log = sys.argv[1], open(sys.argv[2], "a", buffering=1)
A, CNAME, AAAA = 1, 5, 28


def parse(packet):
    number = struct.unpack(">H", packet[:2])[0]
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1 : at + 1 + packet[at]].decode())
        at += packet[at] + 1
    return number, labels, struct.unpack(">H", packet[at + 1 : at + 3])[0], packet[12 : at + 5]


def encoded(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def record(owner, kind, data, klass=1):
    return owner + struct.pack(">HHIH", kind, klass, 60, len(data)) + data


def reply(number, question, records=(), flags=0x8180, rcode=0):
    head = struct.pack(">HHHHHH", number, flags | rcode, 1, len(records), 0, 0)
    return head + question + b"".join(records)


def v4(text):
    return socket.inet_aton(text)


SELF = b"\xc0\x0c"


def answers(packet, over_tcp):
    number, labels, kind, question = parse(packet)
    name = labels[0]
    print(".".join(labels), kind, "tcp" if over_tcp else "udp", file=log)
    local = [record(SELF, A, v4("127.0.0.1"))] if kind == A else []
    local6 = [record(SELF, AAAA, socket.inet_pton(socket.AF_INET6, "::1"))] if kind == AAAA else []
    full = reply(number, question, local)
    truncated = reply(number, question, flags=0x8380)
    if name == "db":
        return [full]
    if name == "db6":
        return [reply(number, question, local6)]
    if name == "alias":
        chain = [record(SELF, CNAME, encoded("b.test")), record(encoded("b.test"), CNAME, encoded("C.test"))]
        return [reply(number, question, chain + ([record(encoded("c.TEST"), A, v4("127.0.0.1"))] if kind == A else []))]
    if name == "circle":
        chain = [record(SELF, CNAME, encoded("b.test")), record(encoded("b.test"), CNAME, SELF)]
        return [reply(number, question, chain)]
    if name == "empty":
        return [reply(number, question)]
    if name == "fail":
        return [reply(number, question, rcode=2)]
    if name == "silent":
        return []
    if name == "one" and kind == AAAA:
        return []
    if name == "one":
        return [full]
    if name == "other":
        return [reply(number, question, [record(encoded("x.test"), A, v4("127.0.0.1"))] if kind == A else [])]
    if name == "chaos":
        return [reply(number, question, [record(SELF, A, v4("127.0.0.1"), 3)] if kind == A else [])]
    if name == "short":
        return [reply(number, question, [record(SELF, kind, b"\x7f")])]
    if name == "garbage":
        rest = bytes(random.getrandbits(8) for _ in range(300))
        return [rest, packet[:2] + rest, struct.pack(">HHHHHH", number, 0x8180, 1, 65535, 65535, 65535) + question + rest]
    if name == "loop":
        at = 12 + len(question)
        return [reply(number, question, [record(struct.pack(">H", 0xC000 | at), A, v4("127.0.0.1"))])]
    if name == "spoof":
        forged = [record(SELF, A, v4("203.0.113.1"))]
        other = encoded("evil.test") + question[-4:]
        wrong = [
            reply(number ^ 1, question, forged),
            reply(number, other, forged),
            reply(number, question[:-4] + struct.pack(">HH", 16, 1), forged),
            reply(number, question, forged, flags=0x0180),
            b"",
            packet[:5],
        ]
        return wrong + [full]
    if name in ("trunc", "drip", "many", "hangup") and not over_tcp:
        return [truncated]
    if name == "trunc":
        return [full]
    if name == "many":
        records = local * 4000 if kind == A else local6 * 2000
        return [reply(number, question, records)]
    if name in ("drip", "hangup"):
        return [full]
    return [reply(number, question, rcode=3)]


def by_udp():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))
    print("ready", file=log)
    while True:
        packet, peer = server.recvfrom(4096)
        for answer in answers(packet, False):
            server.sendto(answer, peer)


def talk(peer):
    length = struct.unpack(">H", peer.recv(2))[0]
    packet = peer.recv(length)
    name = parse(packet)[1][0]
    for answer in answers(packet, True):
        data = struct.pack(">H", len(answer)) + answer
        if name == "hangup":
            data = data[:10]
        if name != "drip":
            peer.sendall(data)
            continue
        for byte in data:
            peer.sendall(bytes([byte]))
            time.sleep(0.5)
    peer.close()


def serve(peer):
    try:
        talk(peer)
    except OSError:
        pass


listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind((address, 53))
listener.listen(64)
threading.Thread(target=by_udp, daemon=True).start()
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
