"""Every route of the service, and what stands before them: keys, headers, CORS, errors, the log, the numbers."""

import json
import logging

import pytest
from server.http_service import KEY, OTHER_KEY, TOKEN, client, model_folder

import textaxa
from textaxa.answers import ResultRows


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return model_folder(tmp_path_factory.mktemp("http"))


@pytest.fixture(scope="module")
def open_client(folder):
    with client(folder, admin_token=TOKEN) as found:
        yield found


def classify(found, **body):
    return found.post("/v1/classify", json=body)


def code_of(answer):
    return answer.json()["error"]["code"]


def expected(folder, texts, **choice):
    model = textaxa.load_model(folder)
    rows = ResultRows((), several=False, top=choice.get("top", 1), nested=True, separator=" > ", paths_separator=";")
    return [rows.make({}, found) for found in model.predict_paths(texts, **choice)]


def test_one_text_gets_the_row_that_predict_writes(open_client, folder, tmp_path):
    table = tmp_path / "one.csv"
    table.write_text("text\nfootball club\n", encoding="utf-8")
    textaxa.predict(folder, table, tmp_path / "out.jsonl")
    row = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))
    row.pop("text")
    answer = classify(open_client, text="football club").json()
    assert answer["answers"] == [row]
    assert answer["model"] == "apps"
    assert len(answer["version"]) == 12
    assert answer["promise"] is None
    assert "nodes" not in answer


def test_several_texts_are_answered_in_their_order_and_a_blank_one_has_no_path(open_client):
    rows = classify(open_client, texts=["photo edit", " ", "bank money"]).json()["answers"]
    assert [row["path"] for row in rows] == ["Media > Photo > Edit", None, "Money"]
    assert rows[1]["stopped"] == "no text"


def test_more_paths_a_text(open_client):
    (row,) = classify(open_client, text="football cards", top=3).json()["answers"]
    assert len(row["paths"]) == 3
    assert row["path_3"] == row["paths"][2]["path"]


def test_a_path_is_cut_at_the_depth_that_was_asked(open_client):
    whole = classify(open_client, text="photo edit").json()["answers"][0]
    (row,) = classify(open_client, text="photo edit", depth=2).json()["answers"]
    assert row["path"] == "Media > Photo"
    assert row["probability"] == whole["paths"][0]["levels"][1]["probability"]
    assert (row["depth"], row["stopped"]) == (2, "depth asked")
    assert [len(path["levels"]) for path in row["paths"]] == [2]


def test_paths_that_are_the_same_down_to_the_depth_become_one(open_client):
    (row,) = classify(open_client, text="football cards", top=3, depth=1).json()["answers"]
    names = [path["path"] for path in row["paths"]]
    assert len(set(names)) == len(names) < 3
    assert row["path_3"] is None


def test_the_most_probable_nodes(open_client):
    (nodes,) = classify(open_client, text="football", nodes=3).json()["nodes"]
    assert len(nodes) == 3
    assert [p for _, p in nodes] == sorted((p for _, p in nodes), reverse=True)


@pytest.mark.parametrize(
    ("body", "status", "code", "says"),
    [
        ({}, 422, "not_usable", "neither"),
        ({"text": "a", "texts": ["b"]}, 422, "not_usable", "both"),
        ({"texts": []}, 422, "not_usable", "texts"),
        ({"text": 3}, 422, "not_usable", "text"),
        ({"text": "a", "colour": "red"}, 422, "not_usable", "colour"),
        ({"text": "a", "top": 0}, 422, "not_usable", "top"),
        ({"text": "a", "accuracy": 1.5}, 422, "not_usable", "accuracy"),
        ({"text": "a", "accuracy": 0.9}, 422, "not_usable", "textaxa calibrate"),
        ({"text": "a", "decoder": "best"}, 422, "not_usable", "most-probable"),
        ({"text": "a", "beta": 2}, 422, "not_usable", "hf-beta"),
        ({"text": "a", "nodes": False}, 422, "not_usable", "nodes"),
        ({"text": "a", "top": "3"}, 422, "not_usable", "top"),
        ({"text": "a", "outside": True}, 422, "not_usable", "outside"),
        ({"text": "a", "depth": 10**30}, 422, "not_usable", "depth"),
        ({"text": "a", "model": "other"}, 404, "unknown_model", "other"),
        ([1, 2], 422, "not_usable", "object"),
        ("text", 422, "not_usable", "object"),
    ],
)
def test_what_cannot_be_used_is_told_with_the_field(open_client, body, status, code, says):
    answer = open_client.post("/v1/classify", json=body)
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert says in answer.json()["error"]["message"]


def test_values_are_not_repeated_in_errors(open_client):
    answer = open_client.post("/v1/classify", json={"text": ["a secret"], "secret": "another"})
    assert answer.status_code == 422
    assert "a secret" not in answer.text
    assert "another" not in answer.text


def test_the_list_of_models(open_client):
    told = open_client.get("/v1/models").json()
    (model,) = told["models"]
    assert (model["name"], model["task"], model["nodes"], model["levels"]) == ("apps", "single", 7, 3)
    assert told["default"] == "apps"
    assert told["features"]["feedback"] is False
    assert told["limits"] == {"texts": 1000, "characters": 100_000, "body": 8_000_000}
    assert told["key_required"] is False


def test_one_model_with_its_card(open_client):
    told = open_client.get("/v1/model", params={"model": "apps"}).json()
    assert told["card"].startswith("---")
    assert told["settings"]["task"] == "single"
    assert told["files"]["config.json"] > 0
    assert open_client.get("/v1/model", params={"model": "no"}).status_code == 404


def test_reload_asks_for_the_token(open_client):
    assert open_client.post("/v1/reload", json={}).status_code == 403
    wrong = open_client.post("/v1/reload", json={}, headers={"X-Admin-Token": "not the token at all"})
    assert (wrong.status_code, code_of(wrong)) == (403, "forbidden")
    for headers in ({"X-Admin-Token": TOKEN}, {"Authorization": f"Bearer {TOKEN}"}):
        right = open_client.post("/v1/reload", json={"model": "apps"}, headers=headers)
        assert right.status_code == 200
        assert list(right.json()["versions"]) == ["apps"]


def test_without_a_token_there_is_no_reload(folder):
    with client(folder) as found:
        assert found.post("/v1/reload", json={}).status_code == 404


def test_a_model_that_cannot_be_read_leaves_the_old_one(tmp_path):
    folder = model_folder(tmp_path)
    with client(folder, admin_token=TOKEN) as found:
        (folder / "config.json").write_text("{", encoding="utf-8")
        answer = found.post("/v1/reload", json={}, headers={"X-Admin-Token": TOKEN})
        assert (answer.status_code, code_of(answer)) == (409, "reload_failed")
        assert classify(found, text="bank money").json()["answers"][0]["path"] == "Money"
        assert 'textaxa_reloads_total{outcome="failed"} 1.0' in found.get("/metrics").text


@pytest.mark.parametrize("headers", [{"X-API-Key": KEY}, {"Authorization": f"Bearer {OTHER_KEY}"}])
def test_every_key_opens(folder, headers):
    with client(folder, keys=(KEY, OTHER_KEY)) as found:
        assert found.get("/v1/models", headers=headers).json()["key_required"] is True
        assert found.get("/metrics", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-API-Key": KEY[:-1]}, {"X-API-Key": ""}, {"Authorization": f"Basic {KEY}"}, {"X-API-Key": "ä" * 18}],
)
def test_other_keys_do_not(folder, headers):
    raw = [(name, value.encode("latin-1")) for name, value in headers.items()]
    with client(folder, keys=(KEY,)) as found:
        for path in ("/v1/models", "/metrics", "/v1/nothing"):
            answer = found.get(path, headers=raw)
            assert (answer.status_code, code_of(answer)) == (401, "key_missing_or_wrong")
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert found.get("/health/live").status_code == 200
        assert found.get("/health/ready").json() == {"status": "ok"}


def test_the_admin_token_opens_what_a_key_opens(folder):
    with client(folder, keys=(KEY,), admin_token=TOKEN) as found:
        assert found.post("/v1/reload", json={}, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
        both = {"X-API-Key": KEY, "X-Admin-Token": TOKEN}
        assert found.post("/v1/reload", json={}, headers=both).status_code == 200
        assert found.post("/v1/reload", json={}, headers={"X-API-Key": KEY}).status_code == 403


@pytest.mark.parametrize("path", ["/v1/models", "/health/live", "/nothing"])
def test_every_answer_has_the_headers_that_browsers_heed(open_client, path):
    headers = open_client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert len(headers["X-Request-ID"]) == 16
    assert ("no-store" in headers.get("Cache-Control", "")) == path.startswith("/v1")


def test_no_other_origin_may_read_answers_unless_it_is_named(folder, open_client):
    origin = {"Origin": "https://example.org"}
    assert "Access-Control-Allow-Origin" not in open_client.get("/v1/models", headers=origin).headers
    with client(folder, cors_origins=("https://example.org",), keys=(KEY,)) as found:
        asked = origin | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "X-API-Key"}
        assert found.options("/v1/classify", headers=asked).status_code == 200
        answer = found.get("/v1/models", headers=origin | {"X-API-Key": KEY})
        assert answer.headers["Access-Control-Allow-Origin"] == "https://example.org"
        refused = found.get("/v1/models", headers={"Origin": "https://example.com", "X-API-Key": KEY})
        assert "Access-Control-Allow-Origin" not in refused.headers


def test_what_is_not_there_is_told_in_the_same_form(open_client):
    gone = open_client.get("/v2/classify")
    assert (gone.status_code, code_of(gone)) == (404, "not_found")
    wrong = open_client.get("/v1/classify")
    assert (wrong.status_code, code_of(wrong)) == (405, "method_not_allowed")
    assert wrong.headers["Allow"] == "POST"


def test_the_methods_of_a_path_with_several_routes_are_all_told(folder, tmp_path):
    with client(folder, feedback=tmp_path / "corrections.jsonl") as found:
        answer = found.put("/v1/feedback", json={})
    assert answer.headers["Allow"] == "GET, POST"
    assert "it takes GET, POST" in answer.json()["error"]["message"]


def test_a_fault_of_ours_is_told_without_its_insides(folder, monkeypatch):
    async def broken(ask):
        raise RuntimeError("the insides")

    with client(folder) as found:
        monkeypatch.setattr(type(found.app.state.metrics._service), "classify", lambda self, ask: broken(ask))
        answer = classify(found, text="a")
    assert (answer.status_code, code_of(answer)) == (500, "internal_error")
    assert "insides" not in answer.text
    assert answer.headers["X-Request-ID"] in answer.json()["error"]["message"]
    assert "Content-Security-Policy" in answer.headers


def test_a_given_request_id_is_kept_and_a_hostile_one_is_not(open_client):
    assert open_client.get("/health/live", headers={"X-Request-ID": "abc-1"}).headers["X-Request-ID"] == "abc-1"
    hostile = open_client.get("/health/live", headers={"X-Request-ID": "a b<script>"})
    assert hostile.headers["X-Request-ID"] != "a b<script>"


def test_the_log_has_no_texts_unless_it_is_told_to(folder, caplog):
    caplog.set_level(logging.INFO, logger="textaxa.server.access")
    with client(folder) as found:
        classify(found, texts=["a secret text", "two"])
        found.get("/v1/model?model=a-secret-name")
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "textaxa.server.access"]
    assert (lines[0]["route"], lines[0]["status"], lines[0]["texts"]) == ("/v1/classify", 200, 2)
    assert lines[0]["id"]
    assert "secret" not in caplog.text
    with client(folder, log_texts=True) as found:
        classify(found, texts=["a secret text"])
    assert "a secret text" in caplog.text


def test_the_numbers(folder):
    with client(folder) as found:
        classify(found, texts=["one", "two", "three"])
        classify(found, top=0)
        found.get("/no/such/route/1")
        told = found.get("/metrics").text
    assert 'textaxa_requests_total{method="POST",route="/v1/classify",status="200"} 1.0' in told
    assert 'textaxa_requests_total{method="POST",route="/v1/classify",status="422"} 1.0' in told
    assert 'textaxa_requests_total{method="GET",route="-",status="404"} 1.0' in told
    assert 'textaxa_texts_total{model="apps"} 3.0' in told
    assert 'textaxa_request_seconds_count{route="/v1/classify"} 2.0' in told
    assert 'textaxa_model_info{model="apps"' in told
    assert 'textaxa_batch_texts_count{model="apps"}' in told
    assert 'textaxa_queue{unit="tokens"} 0.0' in told


def test_the_openapi_document_describes_every_route_with_its_errors(folder):
    with client(folder, keys=(KEY,), admin_token=TOKEN) as found:
        document = found.get("/openapi.json").json()
    classify_told = document["paths"]["/v1/classify"]["post"]
    assert set(classify_told["responses"]) >= {"200", "400", "401", "413", "415", "422", "429", "503"}
    assert "examples" in classify_told["requestBody"]["content"]["application/json"]
    assert "example" in classify_told["responses"]["429"]["content"]["application/json"]
    assert document["components"]["securitySchemes"].keys() == {"bearer", "key"}
    fields = document["components"]["schemas"]["Classify"]["properties"]
    assert (fields["top"]["minimum"], fields["top"]["maximum"]) == (1, 100)
    assert fields["depth"]["anyOf"][0]["minimum"] == 1
    assert fields["accuracy"]["anyOf"][0]["exclusiveMaximum"] == 1
    for path, methods in document["paths"].items():
        for told in methods.values():
            assert told["summary"], path
            assert ("security" in told) == path.startswith(("/v1/", "/metrics")), path
