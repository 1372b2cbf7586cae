"""The proxy inside an event loop: as in a thread, and nothing is left when it has ended."""

import asyncio

from sonicmini.inference.proxy.faults import BlackHole, Refuse, Reset, Status
from sonicmini.inference.proxy.server import ProxyServer

REQUEST = b"POST /v2/models/toy/infer HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi"


async def ask(proxy):
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        writer.write(REQUEST)
        return await reader.readuntil(b"\r\n")
    finally:
        writer.close()


def test_faults_come_and_go(kserve):
    async def main():
        async with ProxyServer("127.0.0.1", kserve) as proxy:
            found = []
            for plan in (None, Status(429), Reset(), Refuse(), None):
                await proxy.set(plan)
                try:
                    found.append((await ask(proxy)).split()[1])
                except (OSError, asyncio.IncompleteReadError) as error:
                    found.append(type(error))
            return found, (await proxy.counters()).faults

    found, faults = asyncio.run(main())
    assert found == [b"200", b"429", ConnectionResetError, ConnectionRefusedError, b"200"]
    assert faults == 3


def test_ends_with_clients_still_waiting(kserve):
    async def main():
        async with ProxyServer("127.0.0.1", kserve) as proxy:
            await proxy.set(BlackHole())
            waiting = [asyncio.create_task(ask(proxy)) for _ in range(5)]
            while (await proxy.counters()).faults < 5:
                await asyncio.sleep(0)
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        await asyncio.sleep(0)
        return answers, asyncio.all_tasks() - {asyncio.current_task()}

    answers, left = asyncio.run(main(), debug=True)
    assert all(isinstance(answer, OSError | EOFError) for answer in answers)
    assert left == set()


def test_refusing_ends_with_the_proxy(kserve):
    async def main():
        async with ProxyServer("127.0.0.1", kserve) as proxy:
            await proxy.set(Refuse(for_s=3600))
            try:
                await ask(proxy)
            except (OSError, EOFError):
                return asyncio.all_tasks()
        return set()

    assert len(asyncio.run(main())) > 0
