"""What running out of memory looks like, and what to do then."""

import gc


def out_of_memory(exc: BaseException) -> bool:
    """Whether an error says that the memory of the machine or of a device is full."""
    if isinstance(exc, MemoryError):
        return True
    import torch
    from accelerate.utils.memory import should_reduce_batch_size

    return isinstance(exc, torch.OutOfMemoryError) or (
        isinstance(exc, RuntimeError) and bool(should_reduce_batch_size(exc))
    )


def clear() -> None:
    """Give back what the last attempt left behind."""
    from accelerate.utils.memory import clear_device_cache

    gc.collect()
    clear_device_cache()
