"""Jobs whose worker was killed do not block the next ones."""

from __future__ import annotations

from seawall.workers.queue import Jobs, open_queue, take_up_stalled


async def test_a_killed_job_runs_again(database_url: str) -> None:
    """Its worker is gone; it waits once more."""
    async with open_queue(database_url) as queue:
        await Jobs(queue).forecast("shop")
        worker = await queue.job_manager.register_worker()
        killed = await queue.job_manager.fetch_job(queues=None, worker_id=worker)
        await queue.job_manager.unregister_worker(worker)
        await take_up_stalled(queue)
        again = await queue.job_manager.fetch_job(queues=None, worker_id=await queue.job_manager.register_worker())
        assert killed is not None
        assert again is not None
        assert again.id == killed.id


async def test_a_killed_job_that_waits_again_already_gives_way(database_url: str) -> None:
    """The next worker asked for the same job before the killed one was noticed: that one runs, the other has failed."""
    async with open_queue(database_url) as queue:
        await Jobs(queue).forecast("shop")
        worker = await queue.job_manager.register_worker()
        killed = await queue.job_manager.fetch_job(queues=None, worker_id=worker)
        await queue.job_manager.unregister_worker(worker)
        assert await Jobs(queue).forecast("shop")
        await take_up_stalled(queue)
        again = await queue.job_manager.fetch_job(queues=None, worker_id=await queue.job_manager.register_worker())
        assert killed is not None
        assert again is not None
        assert again.id != killed.id
