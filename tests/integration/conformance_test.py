"""Runs the public PromQL test scripts against the agent. The number of cases that pass is recorded and may only rise."""
import os
import re
import subprocess
import sys
import tempfile

from harness import BINARY, SKIPPED

HERE = os.path.dirname(os.path.abspath(__file__))
SHARED = os.environ.get("VEDETTE_SHARED", os.path.join(HERE, "..", "..", "..", "shared"))
FEATURES = ("promql-experimental-functions,promql-delayed-name-removal,promql-extended-range-selectors,"
            "promql-binop-fill-modifiers,promql-duration-expr,use-start-timestamps,native-histograms")


def main():
    runner = os.path.join(SHARED, "conformance", "promqltest.py")
    scripts = os.path.join(SHARED, "data", "promqltest")
    if not os.path.exists(runner):
        print(f"skipped: {runner} is not there")
        sys.exit(SKIPPED)
    with open(os.path.join(HERE, "conformance_passes.txt"), encoding="utf-8") as file:
        recorded = int(file.read().split()[0])
    server = (f"{os.path.abspath(BINARY)} serve --config.file={{config}} --storage.path={{data}} "
              f"--web.listen-address=127.0.0.1:{{port}} --web.enable-remote-write-receiver --log.level=error "
              f"--storage.retention.time=100y --enable-feature={FEATURES}")
    with tempfile.NamedTemporaryFile(suffix=".yml") as empty:
        files = sorted(os.path.join(scripts, name) for name in os.listdir(scripts) if name.endswith(".test"))
        done = subprocess.run([sys.executable, runner, "--quiet", "--server", server, "--config", empty.name, *files],
                              capture_output=True, text=True)
    print(done.stdout, done.stderr, sep="")
    last = re.search(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", done.stdout, re.M)
    assert last, "the runner did not finish"
    passed = int(last.group(1))
    assert passed >= recorded, f"{passed} cases pass, {recorded} did before"
    if passed > recorded:
        print(f"{passed} cases pass: write that into conformance_passes.txt")


if __name__ == "__main__":
    main()
