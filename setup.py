"""What a wheel has beside its modules, generated when it is built: see pyproject.toml for the rest.

The manual page and what shells complete are printed by memhp itself, which needs no library for
that; so they are never older than the commands.
"""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from setuptools import setup
from setuptools.command.build import build
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
MADE = Path("build", "share")
FILES = {
    "share/man/man1": ("memhp.1", "man"),
    "share/bash-completion/completions": ("memhp", "completion", "bash"),
    "share/zsh/site-functions": ("_memhp", "completion", "zsh"),
    "share/fish/vendor_completions.d": ("memhp.fish", "completion", "fish"),
}
"""Where each file is installed: its name there, and the words of memhp that print it."""


class Build(build):
    """The usual steps, then the files."""

    def run(self) -> None:
        super().run()
        about = f"Name: memhp\nVersion: {self.distribution.get_version()}\n"
        with TemporaryDirectory() as folder:
            Path(folder, "memhp").symlink_to(HERE.resolve(), target_is_directory=True)
            Path(folder, "memhp.dist-info").mkdir()
            Path(folder, "memhp.dist-info", "METADATA").write_text(
                f"Metadata-Version: 2.1\n{about}"
            )
            environment = {**os.environ, "PYTHONPATH": folder}
            for name, *words in FILES.values():
                command = [sys.executable, "-m", "memhp", *words]
                printed = subprocess.run(
                    command, cwd=folder, env=environment, stdout=subprocess.PIPE, check=True
                )
                (HERE / MADE).mkdir(parents=True, exist_ok=True)
                (HERE / MADE / name).write_bytes(printed.stdout)


class Modules(build_py):
    """The modules of each package, of which this file is none."""

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        found = super().find_package_modules(package, package_dir)
        return [each for each in found if each[1] != "setup"]


setup(
    cmdclass={"build": Build, "build_py": Modules},
    data_files=[(place, [str(MADE / name)]) for place, (name, *_) in FILES.items()],
)
