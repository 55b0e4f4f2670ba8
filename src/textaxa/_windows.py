"""Texts are tokenised ahead, in a thread, while others are computed: chunks of like length, longest texts first.

Many texts come in; row numbers with their pieces go out, chunk by chunk, so that token ids of all texts are never in
memory at once. Light: PyTorch and ONNX Runtime read the same chunks.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from textaxa._pieces import Pieces

CHUNK = 512
"""Texts tokenised at a time: enough for full batches of like length, a tenth of a second of work."""

_AHEAD = 2
"""Chunks that wait, tokenised, for what computes: one would do, but the first texts are the longest."""

Tokenise = Callable[[Sequence[str]], list[Pieces]]
Chunk = tuple[Sequence[int], list[Pieces]]


def tokenised(texts: Sequence[str], tokenise: Tokenise) -> Iterator[Chunk]:
    """Give chunks of row numbers and their pieces, every row once.

    Characters stand for tokens in the order of chunks; `textaxa._pieces.batches_by_length` sorts within them.

    Parameters
    ----------
    texts
        All texts.
    tokenise
        Gives the pieces of texts. It is called in another thread, one call at a time; what it raises is raised here.

    Examples
    --------
    >>> list(tokenised(["a b", "c"], lambda texts: [((len(text),),) for text in texts]))
    [(range(0, 2), [((3,),), ((1,),)])]
    """
    if len(texts) <= CHUNK:
        return iter([(range(len(texts)), tokenise(texts))])  # a thread would only wait for it
    return _tokenised_ahead(texts, tokenise)


def _tokenised_ahead(texts: Sequence[str], tokenise: Tokenise) -> Iterator[Chunk]:
    order = sorted(range(len(texts)), key=lambda row: -len(texts[row]))
    chunks = [order[start : start + CHUNK] for start in range(0, len(order), CHUNK)]
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="textaxa-tokenise")
    waiting: deque[tuple[list[int], Future[list[Pieces]]]] = deque()
    try:
        for rows in chunks:
            waiting.append((rows, pool.submit(tokenise, [texts[row] for row in rows])))
            if len(waiting) > _AHEAD:
                yield _finished(waiting)
        while waiting:
            yield _finished(waiting)
    finally:  # also where the caller stops early, by an error or Ctrl-C: at most the chunk in work is waited for
        pool.shutdown(cancel_futures=True)


def _finished(waiting: deque[tuple[list[int], "Future[list[Pieces]]"]]) -> Chunk:
    rows, pieces = waiting.popleft()
    return rows, pieces.result()
