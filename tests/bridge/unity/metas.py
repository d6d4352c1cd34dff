"""Unity's .meta files: every file and folder of the package that Unity sees has one, and its GUID never changes.

`python tests/bridge/unity/metas.py` writes those that are missing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[3] / "bridge" / "unity"
_GUID = re.compile(r"^guid: ([0-9a-f]{32})$", re.MULTILINE)
_IMPORTERS = {".cs": "MonoImporter", ".asmdef": "AssemblyDefinitionImporter", ".md": "TextScriptImporter"}


def assets(package: Path = PACKAGE) -> Iterator[Path]:
    """What Unity imports: nothing hidden, no folder ending in `~` but the samples, copied with their metas."""
    for path in sorted(package.rglob("*")):
        parts = path.relative_to(package).parts
        hidden = any(part.startswith(".") or (part.endswith("~") and part != "Samples~") for part in parts)
        if path.suffix != ".meta" and not hidden and parts[-1] != "Samples~":
            yield path


def meta_of(path: Path) -> Path:
    return path.with_name(path.name + ".meta")


def guid_of(path: Path) -> str:
    """As its .meta states it; ValueError where it states none."""
    found = _GUID.search(meta_of(path).read_text())
    if found is None:
        raise ValueError(f"{meta_of(path)}: expected a line `guid: ` and 32 hexadecimal digits")
    return found.group(1)


def new_meta(path: Path, package: Path = PACKAGE) -> str:
    """Named after the place where the asset was first put; it keeps the GUID wherever it is moved."""
    name = f"com.gesturestream.unity/{path.relative_to(package).as_posix()}"
    guid = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
    text = f"fileFormatVersion: 2\nguid: {guid}\n"
    if path.is_dir():
        text += "folderAsset: yes\n"
    importer = "DefaultImporter" if path.is_dir() else _IMPORTERS.get(path.suffix, "DefaultImporter")
    if path.name == "package.json":
        importer = "PackageManifestImporter"
    text += f"{importer}:\n  externalObjects: {{}}\n"
    if importer == "MonoImporter":
        text += "  serializedVersion: 2\n  defaultReferences: []\n  executionOrder: 0\n  icon: {instanceID: 0}\n"
    return text + "  userData:\n  assetBundleName:\n  assetBundleVariant:\n"


if __name__ == "__main__":
    for asset in assets():
        if not meta_of(asset).exists():
            meta_of(asset).write_text(new_meta(asset))
            print(meta_of(asset).relative_to(PACKAGE))
