"""Generates `services/gen` from `proto/` (run by `make proto`; `--check` fails when the committed stubs differ).

protoc writes imports relative to `proto/`; they are rewritten to `services.gen…` so that the stubs are an ordinary
package and no search path has to be changed.
"""

import filecmp
import re
import shutil
import sys
import tempfile
from importlib import resources
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent
GENERATED = ROOT.parent / "services" / "gen"
PACKAGES = sorted(folder.name for folder in ROOT.iterdir() if (folder / "v1").is_dir())
_IMPORT = re.compile(rf"^from ({'|'.join(PACKAGES)})\.v1 import", re.MULTILINE)
_DOTTED = re.compile(rf"(?<![\w.\"/])({'|'.join(PACKAGES)})\.v1\.(?=\w+_pb2)")
_DOTTED_IMPORT = re.compile(rf"^(import|from) ({'|'.join(PACKAGES)})\.v1", re.MULTILINE)


def generate(target: Path) -> None:
    """Write the stubs of every proto file into `target`. Raises `SystemExit` when protoc refuses."""
    sources = sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*.proto"))
    well_known = str(resources.files("grpc_tools") / "_proto")
    scripts = Path(sys.executable).parent
    arguments = [
        "protoc", f"-I{ROOT}", f"-I{well_known}",
        f"--plugin=protoc-gen-mypy={scripts / 'protoc-gen-mypy'}",
        f"--plugin=protoc-gen-mypy_grpc={scripts / 'protoc-gen-mypy_grpc'}",
        f"--python_out={target}", f"--grpc_python_out={target}",
        f"--mypy_out=quiet:{target}", f"--mypy_grpc_out=quiet:{target}", *sources,
    ]  # fmt: skip
    if protoc.main(arguments) != 0:
        raise SystemExit("protoc failed; see the lines above")
    for path in target.rglob("*.py*"):
        text = path.read_text("utf-8")
        if path.suffix == ".pyi":
            text = _DOTTED.sub(r"services.gen.\1.v1.", _DOTTED_IMPORT.sub(r"\1 services.gen.\2.v1", text))
        else:
            text = _IMPORT.sub(r"from services.gen.\1.v1 import", text)
        path.write_text(text, "utf-8")
    for folder in {target, *(path.parent for path in target.rglob("*_pb2.py"))}:
        (folder / "__init__.py").write_text("", "utf-8")
        (folder.parent / "__init__.py").touch()


def main() -> None:
    """Generate in place, or compare with what is committed."""
    with tempfile.TemporaryDirectory() as scratch:
        fresh = Path(scratch) / "gen"
        fresh.mkdir()
        generate(fresh)
        if "--check" not in sys.argv:
            shutil.rmtree(GENERATED, ignore_errors=True)
            shutil.copytree(fresh, GENERATED)
            return
        names = {str(path.relative_to(fresh)) for path in fresh.rglob("*.py*")}
        there = {str(p.relative_to(GENERATED)) for p in GENERATED.rglob("*.py*") if "__pycache__" not in p.parts}
        _, differ, missing = filecmp.cmpfiles(fresh, GENERATED, sorted(names), shallow=False)
        drift = sorted({*differ, *missing, *(there - names)})
        if drift:
            raise SystemExit(f"services/gen is not what proto/ says ({', '.join(drift)}); run `make proto` and commit")


if __name__ == "__main__":
    main()
