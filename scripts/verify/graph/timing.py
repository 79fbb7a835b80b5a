"""Median time of a piece of work on a device."""
import statistics
import time

import torch

FEWEST, MOST = 3, 50


def median_seconds(work, device, seconds):
    """Repeats for about so long, three times at least; call it on warm work."""
    times = []
    started = time.perf_counter()
    while len(times) < FEWEST or (len(times) < MOST and time.perf_counter() - started < seconds):
        times.append(_once(work, device))
    return statistics.median(times), len(times)


def _once(work, device):
    if device.type != "cuda":
        began = time.perf_counter()
        work()
        return time.perf_counter() - began
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    work()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) / 1000
