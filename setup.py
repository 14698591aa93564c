"""The compiled part of tzproxy: every `_speedups/*.pyx` becomes `tzproxy._speedups.<stem>`.

`tzproxy/_speedups` is a link to `_speedups/`, so that build, editable installs and mypy all see one
package layout. The generated C goes under `build/`.
"""

from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

SOURCES = sorted(Path("tzproxy/_speedups").glob("*.pyx"))

setup(
    ext_modules=cythonize(
        [
            Extension(
                f"tzproxy._speedups.{source.stem}",
                [str(source)],
                depends=[str(source)],
                extra_compile_args=["-O3", "-g0"],
            )
            for source in SOURCES
        ],
        build_dir="build/cython",
        compiler_directives={
            "language_level": "3",
            "embedsignature": True,
            "freethreading_compatible": False,
        },
    )
)
