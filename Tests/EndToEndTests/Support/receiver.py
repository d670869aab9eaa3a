"""A receiver that leaves the judgement of signatures to the PyPI library standardwebhooks.

Usage: receiver.py LOG SECRETS SEED, where SECRETS is a JSON object from the last segment of a path to a secret. LOG gets
JSON lines: first {"port": N}, then one for each request, in the order of arrival. Requests whose path begins with /random/
are answered with 503 about every third time, by a generator seeded with SEED; all others with 200.
"""

import asyncio
import json
import random
import sys

from standardwebhooks import Webhook, WebhookVerificationError

log = open(sys.argv[1], "w", buffering=1)
webhooks = {name: Webhook(secret) for name, secret in json.loads(sys.argv[2]).items()}
dice = random.Random(int(sys.argv[3]))


def write(record):
    log.write(json.dumps(record) + "\n")


def verdict(name, body, headers):
    try:
        webhooks[name].verify(body.decode(), headers)
        return "valid"
    except (WebhookVerificationError, KeyError, UnicodeDecodeError) as error:
        return f"{type(error).__name__}: {error}"


def take(head, body):
    lines = head.decode("latin-1").split("\r\n")
    path = lines[0].split(" ")[1]
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    name = path.rpartition("/")[2]
    status = 503 if path.startswith("/random/") and dice.random() < 0.3 else 200
    write({
        "endpoint": name, "webhook_id": headers.get("webhook-id", ""), "attempt": headers.get("webhook-attempt", ""),
        "verdict": verdict(name, body, headers), "status": status, "body": body.decode("utf-8", "replace"),
    })
    return status


async def serve(reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n"))[:-4]
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            status = take(head, await reader.readexactly(length))
            writer.write(f"HTTP/1.1 {status} Said\r\ncontent-length: 0\r\n\r\n".encode())
            await writer.drain()
    except (asyncio.IncompleteReadError, OSError):
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    write({"port": server.sockets[0].getsockname()[1]})
    await server.serve_forever()


asyncio.run(main())
