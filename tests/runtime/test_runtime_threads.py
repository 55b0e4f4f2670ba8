"""Threads: the cores of the process, fewer where its control group has a quota, and what OMP_NUM_THREADS says."""

import os

import pytest

from textaxa.runtime import available_threads


@pytest.fixture
def four_cores(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3}, raising=False)


def write(root, files):
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


V2 = "0::/kube/pod\n"
V1 = "5:memory:/other\n3:cpu,cpuacct:/docker/abc\n1:name=systemd:/\n"
FOLDER = "sys/fs/cgroup"


@pytest.mark.parametrize(
    ("files", "threads"),
    [
        ({}, 4),
        ({"proc/self/cgroup": V2}, 4),
        ({"proc/self/cgroup": V2, f"{FOLDER}/kube/pod/cpu.max": "max 100000\n"}, 4),
        ({"proc/self/cgroup": V2, f"{FOLDER}/kube/pod/cpu.max": "200000 100000\n"}, 2),
        ({"proc/self/cgroup": V2, f"{FOLDER}/kube/pod/cpu.max": "390000 100000\n"}, 3),
        ({"proc/self/cgroup": V2, f"{FOLDER}/kube/pod/cpu.max": "50000 100000\n"}, 1),
        ({"proc/self/cgroup": V2, f"{FOLDER}/kube/pod/cpu.max": "9900000 100000\n"}, 4),
        ({"proc/self/cgroup": V2, f"{FOLDER}/kube/cpu.max": "200000 100000\n"}, 2),
        ({"proc/self/cgroup": "0::/\n", f"{FOLDER}/cpu.max": "100000 50000"}, 2),
        ({"proc/self/cgroup": V2, f"{FOLDER}/kube/pod/cpu.max": "nonsense\n"}, 4),
        ({"proc/self/cgroup": "nonsense\n\n"}, 4),
        (
            {
                "proc/self/cgroup": V1,
                f"{FOLDER}/cpu,cpuacct/docker/abc/cpu.cfs_quota_us": "300000\n",
                f"{FOLDER}/cpu,cpuacct/docker/abc/cpu.cfs_period_us": "100000\n",
            },
            3,
        ),
        (
            {
                "proc/self/cgroup": V1,
                f"{FOLDER}/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
                f"{FOLDER}/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            4,
        ),
    ],
)
def test_a_quota_of_the_control_group_counts(files, threads, four_cores, tmp_path):
    assert available_threads(write(tmp_path, files)) == threads


@pytest.mark.parametrize(("asked", "threads"), [("3", 3), ("7", 7), ("2,1", 2), ("0", 1), ("many", 1), ("", 1)])
def test_omp_num_threads_wins(asked, threads, four_cores, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    quota = write(tmp_path, {"proc/self/cgroup": "0::/\n", f"{FOLDER}/cpu.max": "100000 100000"})
    assert available_threads(quota) == threads
