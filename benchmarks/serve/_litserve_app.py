"""LitServe with the same model: the same folder, the same tokenizer, engine and answers; its own queue and batches.

python benchmarks/serve/_litserve_app.py MODEL PORT WAIT_SECONDS
"""

import sys
from typing import Any

import litserve

BATCH = 64


class Classifier(litserve.LitAPI):
    """Answers as ``POST /v1/classify`` does, for one text a request."""

    def setup(self, device: str) -> None:
        del device
        from textaxa.answers import Answers, ResultRows, opened
        from textaxa.decisions import Choice

        model = opened(sys.argv[1], runtime="auto")
        self.rows = ResultRows((), several=False, top=1, nested=True, separator=" > ", paths_separator=";")
        self.answers = Answers(model, Choice(), None, self.rows)

    def decode_request(self, request) -> str:  # type: ignore[no-untyped-def]  # LitServe reads annotations
        return str(request["text"])

    def batch(self, inputs: list[str]) -> list[str]:
        return list(inputs)

    def predict(self, texts: list[str]) -> list[dict[str, Any]]:
        return [dict(zip(self.rows.added, cells, strict=True)) for cells in self.answers(texts)]

    def unbatch(self, output: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return output

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        return {"answers": [output]}


if __name__ == "__main__":
    api = Classifier(max_batch_size=BATCH, batch_timeout=float(sys.argv[3]))
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(port=int(sys.argv[2]), host="127.0.0.1", log_level="error", generate_client_file=False)
