"""Cheaper steps: dropout is where it should be and drops what it should, attention learns in full precision."""

import pytest
import torch
from tiny_encoder import make_tiny_encoder
from torch.nn import functional as F  # noqa: N812

from textaxa.encoders import load_encoder
from textaxa.encoders._light import LightDropout, attention_that_learns_fast
from textaxa.settings import EncoderSettings


@pytest.fixture
def encoder(tmp_path):
    return load_encoder(EncoderSettings(encoder=str(make_tiny_encoder(tmp_path / "tiny")), max_length=16))


def test_dropout_is_off_on_attention_weights_and_lighter_elsewhere(encoder):
    before = encoder.encode(["game play", "music"])
    names = list(encoder.state_dict())
    encoder.lighten_dropout()
    found = {name: part.p for name, part in encoder.named_modules() if isinstance(part, torch.nn.Dropout)}
    assert {p for name, p in found.items() if ".self." in name} == {0.0}
    assert {p for name, p in found.items() if ".self." not in name} == {0.1}
    assert all(type(part) is LightDropout for part in encoder.modules() if isinstance(part, torch.nn.Dropout))
    assert list(encoder.state_dict()) == names
    assert (encoder.encode(["game play", "music"]) == before).all()


def test_light_dropout_drops_its_share_and_keeps_the_mean():
    values = torch.ones(400, 500)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        found = LightDropout(0.1).train()(values)
    assert float((found == 0).float().mean()) == pytest.approx(0.1, abs=0.003)
    assert float(found.mean()) == pytest.approx(1, abs=0.005)
    assert LightDropout(0.1).eval()(values) is values


def test_attention_is_differentiated_in_full_precision_and_only_it():
    seen = []
    query = torch.randn(2, 1, 5, 8, generator=torch.Generator().manual_seed(0))

    def attend(given):
        seen.append((given @ given.transpose(2, 3)).dtype)
        return F.scaled_dot_product_attention(given, given, given, attn_mask=torch.zeros(2, 1, 5, 5))

    with torch.autocast("cpu", torch.bfloat16), attention_that_learns_fast(query.device):
        half = query.bfloat16().requires_grad_()
        found = attend(half)
        found.sum().backward()
    assert found.dtype == torch.float32
    assert seen == [torch.bfloat16], "other products stay fast"
    exact = half.detach().float().requires_grad_()
    attend(exact).sum().backward()
    torch.testing.assert_close(half.grad.float(), exact.grad, atol=0.02, rtol=0.02)
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad(), attention_that_learns_fast(query.device):
        assert attend(query).dtype == torch.bfloat16, "without gradient, bf16 is faster"


def test_a_step_in_mixed_precision_has_the_gradients_of_one_in_full(encoder):
    encoder.lighten_dropout()
    tokens = encoder.collate(encoder.tokenise(["game play football", "music"]))
    gradients = []
    for half in (False, True):
        encoder.eval().zero_grad()  # without dropout, to compare
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            vectors = encoder(tokens.input_ids, tokens.attention_mask, tokens.text_of)
        (vectors.float() ** 3).sum().backward()
        gradients.append(torch.cat([one.grad.flatten() for one in encoder.parameters() if one.grad is not None]))
    assert torch.cosine_similarity(*gradients, dim=0) > 0.995
