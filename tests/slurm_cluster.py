"""A private Slurm cluster of one node with fake GPUs: real daemons on loopback that end with the
block that started them.
"""

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

DAEMONS = ("munged", "slurmctld", "slurmd")
SYSTEM = "/usr/sbin:/sbin"  # where Debian installs daemons, and where only root looks for them
# No cgroups and no accounting, which need services of the machine. Scheduling is made as quick as
# it can be, and the node has processors and memory on paper, whatever the machine has: nothing
# confines jobs to what they asked for.
SLURM_CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,sched_min_interval=0,batch_sched_delay=0,bf_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
SlurmdParameters=config_overrides
KillWait=5
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=64000 Gres=gpu:{gpus}
PartitionName=gpu Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def install() -> None:
    """Install Debian's packages where the daemons are missing, or skip the test and say why."""
    if all(shutil.which(name, path=f"{os.environ['PATH']}:{SYSTEM}") for name in DAEMONS):
        return
    if os.geteuid() or not shutil.which("apt-get"):
        pytest.skip(
            "needs Slurm: run `apt-get install slurm-wlm munge`, "
            "or these tests as root on Debian, which do that"
        )
    policy = Path("/usr/sbin/policy-rc.d")  # while it says 101, packages start no services
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
        policy.chmod(0o755)
    try:
        options = ["--quiet", "--quiet", "--yes", "--no-install-recommends"]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for words in (["update", *options], ["install", *options, "slurm-wlm", "munge"]):
            subprocess.run(
                ["apt-get", *words], env=environment, check=True, stdout=subprocess.DEVNULL
            )
    finally:
        if ours:
            policy.unlink()


@contextmanager
def slurm_cluster(variables: dict[str, str], gpus: int = 2) -> Iterator[dict[str, str]]:
    """Start a cluster and yield the environment, ``variables`` and more, in which sbatch reaches
    it; it ends with the block.
    """
    install()
    with tempfile.TemporaryDirectory(prefix="slurm") as name, ExitStack() as stack:
        folder = Path(name)
        configure(folder, gpus)
        environment = {
            **{
                key: value
                for key, value in variables.items()
                if not key.startswith(("SLURM_", "SBATCH_"))
            },
            "PATH": f"{folder / 'bin'}:{variables['PATH']}:{SYSTEM}",
            "SLURM_CONF": str(folder / "slurm.conf"),
        }
        munge = {
            "key-file": "munge.key",
            "socket": "munge.socket",
            "pid-file": "munged.pid",
            "log-file": "munged.out",
        }
        paths = [
            f"--{option}={folder / file}"
            for option, file in {**munge, "seed-file": "munge.seed"}.items()
        ]
        # in the foreground they are our children, which end when they are told and cannot be
        # mistaken for others'
        stack.enter_context(
            daemon(["munged", "--foreground", "--force", *paths], folder, environment)
        )
        wait_until((folder / "munge.socket").exists, 10, folder)
        stack.enter_context(daemon(["slurmctld", "-D"], folder, environment))
        stack.enter_context(daemon(["slurmd", "-D"], folder, environment))
        wait_until(
            lambda: ask(environment, "sinfo", "--noheader", "--format=%t") == "idle", 30, folder
        )
        try:
            yield environment
        finally:
            ask(environment, "scancel", f"--user={getpass.getuser()}")
            wait_until(lambda: not ask(environment, "squeue", "--noheader"), 30, folder)


def configure(folder: Path, gpus: int) -> None:
    """Write a key, files that stand for GPUs, and the configuration."""
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    for index in range(gpus):
        (folder / f"gpu{index}").symlink_to("/dev/null")  # the number becomes CUDA_VISIBLE_DEVICES
    (folder / "gres.conf").write_text(
        f"AutoDetect=off\nName=gpu File={folder}/gpu[0-{gpus - 1}]\n", encoding="utf-8"
    )
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        ports = one.getsockname()[1], two.getsockname()[1]
    values = {"host": socket.gethostname().split(".")[0], "user": getpass.getuser(), "gpus": gpus}
    (folder / "slurm.conf").write_text(
        SLURM_CONF.format(folder=folder, ports=ports, **values), encoding="utf-8"
    )
    for name in ("bin", "state", "spool"):
        (folder / name).mkdir()
    # the executor's inner srun runs without SLURM_* variables, which a cluster with
    # /etc/slurm/slurm.conf does not miss
    srun = folder / "bin" / "srun"
    srun.write_text(
        f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {shutil.which("srun")} "$@"\n',
        encoding="utf-8",
    )
    srun.chmod(0o755)


@contextmanager
def daemon(command: list[str], folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """Run a daemon in the foreground, its words in the folder, until the end of the block."""
    program = shutil.which(command[0], path=environment["PATH"])
    with (folder / f"{command[0]}.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command,
            executable=program,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def ask(environment: dict[str, str], *command: str) -> str:
    """What a command of Slurm prints; nothing if it fails."""
    return subprocess.run(
        command, env=environment, capture_output=True, encoding="utf-8", timeout=60
    ).stdout.strip()


def wait_until(condition, seconds: float, folder: Path | None = None) -> None:
    """Return when the condition holds; TimeoutError with the ends of the daemons' logs after so
    many seconds.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            logs = sorted(folder.glob("*.log")) if folder else []
            said = [log.read_text(encoding="utf-8")[-2000:] for log in logs]
            raise TimeoutError("\n".join([f"not within {seconds} s", *said]))
        time.sleep(0.1)
