"""Maps the top-level folders onto the import root: folder `realtime/` is imported as `gesturestream.realtime`.

Generic names such as `models` must not land in a user's site-packages, where other distributions own them.
"""

from setuptools import find_packages, setup

FOLDERS = ("realtime", "models", "bridge", "training")


def packages() -> list[str]:
    names = ["gesturestream", *(f"gesturestream.{name}" for name in find_packages("gesturestream"))]
    for folder in FOLDERS:
        names.append(f"gesturestream.{folder}")
        names += [f"gesturestream.{folder}.{name}" for name in find_packages(folder)]
    return names


setup(
    packages=packages(),
    package_dir={"gesturestream": "gesturestream", **{f"gesturestream.{f}": f for f in FOLDERS}},
)
