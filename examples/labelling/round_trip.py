"""Plays the annotator who agrees with every suggestion: the way to a labelling tool and back, without a server.

In a folder with ``tasks.json`` and ``tasks.config.xml``, or ``records.jsonl`` and ``records.settings.json``, as
`textaxa select` writes them, it writes what the tool would export: ``export.json`` or ``labelled.json``. Where the
package label-studio-sdk is installed, it checks interface, tasks and answers; records of Argilla are made and written
by its own client, the package argilla.

    textaxa select new.csv --model model/ -n 10 --format label-studio -o tasks.json
    python round_trip.py label-studio .
    textaxa train export.json --text text --path path --out second/
"""

import argparse
import json
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def label_studio(folder: Path) -> Path:
    """Write ``export.json``: every task with its prediction as the answer of annotator 1."""
    tasks = json.loads((folder / "tasks.json").read_text(encoding="utf-8"))
    exported = [
        {
            "id": number,
            "data": task["data"],
            "predictions": task["predictions"],
            "annotations": [_annotation(task, number)],
        }
        for number, task in enumerate(tasks, start=1)
    ]
    if find_spec("label_studio_sdk"):
        _check_label_studio((folder / "tasks.config.xml").read_text(encoding="utf-8"), exported)
    else:
        print("label-studio-sdk is not installed: written without its checks.")
    target = folder / "export.json"
    target.write_text(json.dumps(exported, ensure_ascii=False), encoding="utf-8")
    return target


def _annotation(task: dict[str, Any], number: int) -> dict[str, Any]:
    (prediction,) = task["predictions"]
    result = [{**one, "id": f"answer-{number}"} for one in prediction["result"]]
    return {"id": number, "completed_by": 1, "was_cancelled": False, "ground_truth": False, "result": result}


def _check_label_studio(interface: str, tasks: list[dict[str, Any]]) -> None:
    from label_studio_sdk.label_interface import LabelInterface

    found = LabelInterface(interface)
    found.validate()
    for task in tasks:
        good = found.validate_task({"data": task["data"]})
        good = good and all(found.validate_prediction(one) for one in task["predictions"])
        if not (good and all(found.validate_annotation(one) for one in task["annotations"])):
            raise SystemExit(f"Label Studio does not take the task {task['id']}.")
    print(f"label-studio-sdk takes the interface, and {len(tasks)} tasks with predictions and annotations.")


def argilla(folder: Path) -> Path:
    """Write ``labelled.json``: every record with its suggestion as a submitted response."""
    import argilla as rg
    from argilla.records._io import GenericIO

    server = ThreadingHTTPServer(("127.0.0.1", 0), _Greeter)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    rg.Argilla(api_url=f"http://127.0.0.1:{server.server_port}", api_key="none")  # it asks for its user when it starts
    settings = rg.Settings.from_json(folder / "records.settings.json")
    lines = (folder / "records.jsonl").read_text(encoding="utf-8").splitlines()
    records = [rg.Record.from_dict(json.loads(line)) for line in lines]
    for record in records:
        for suggestion in record.suggestions:
            value, name = suggestion.value, suggestion.question_name
            record.responses.add(rg.Response(name, value, user_id=uuid.uuid4(), status="submitted"))
    print(f"argilla {rg.__version__} takes {len(settings.questions)} question and {len(records)} records.")
    target = folder / "labelled.json"
    exported = GenericIO.to_list(records, flatten=True)
    target.write_text(json.dumps(exported, ensure_ascii=False, default=str), encoding="utf-8")
    server.shutdown()
    server.server_close()
    return target


class _Greeter(BaseHTTPRequestHandler):
    """Says to Argilla's client who it is; nothing else is asked."""

    def do_GET(self) -> None:
        who = {"id": str(uuid.uuid4()), "username": "annotator", "first_name": "A", "role": "owner", "version": "2"}
        body = json.dumps(who | {"inserted_at": "2026-01-01T00:00:00", "updated_at": "2026-01-01T00:00:00"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


TOOLS = {"label-studio": label_studio, "argilla": argilla}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool", choices=TOOLS)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    print(f"Written: {TOOLS[given.tool](given.folder)}")
