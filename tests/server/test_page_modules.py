"""The page's own tests of what needs no browser: files, runs, trees. They are TypeScript and run in Node."""

import shutil
import subprocess
from pathlib import Path

import pytest

FRONTEND = Path(__file__).parents[2] / "frontend" / "service"
ESBUILD = FRONTEND / "node_modules" / ".bin" / "esbuild"
NODE = shutil.which("node")

pytestmark = [
    pytest.mark.skipif(NODE is None, reason="node is not installed"),
    pytest.mark.skipif(not ESBUILD.exists(), reason="esbuild is not installed: run npm ci in frontend/service"),
]


def test_typescript(tmp_path):
    sources = sorted(map(str, (FRONTEND / "test").glob("*.test.ts")))
    assert sources
    bundled = ["--bundle", "--platform=node", "--format=esm", "--out-extension:.js=.mjs", f"--outdir={tmp_path}"]
    subprocess.run([ESBUILD, *sources, *bundled, "--log-level=warning"], check=True, cwd=FRONTEND, timeout=60)
    tests = sorted(map(str, tmp_path.glob("*.mjs")))
    assert len(tests) == len(sources)
    done = subprocess.run([NODE, "--test", *tests], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
