"""The compiled part of tzproxy: the extensions of `_speedups/`, and the modules that requests go through.

Every `_speedups/*.pyx` becomes `tzproxy._speedups.<stem>`. `tzproxy/_speedups` is a link to `_speedups/`, so
that build, editable installs and mypy all see one package layout. The modules that `tool.tzproxy.compiled` of
pyproject.toml names are compiled as they stand, each beside its source. The generated C goes under `build/`.
"""

import tomllib
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

SPEEDUPS = sorted(Path("tzproxy/_speedups").glob("*.pyx"))
MODULES = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["tool"]["tzproxy"]["compiled"]
DIRECTIVES = {"language_level": "3", "freethreading_compatible": False}

setup(
    ext_modules=[
        *cythonize(
            [
                Extension(
                    f"tzproxy._speedups.{source.stem}",
                    [str(source)],
                    depends=[str(source)],
                    extra_compile_args=["-O3", "-g0"],
                )
                for source in SPEEDUPS
            ],
            build_dir="build/cython",
            compiler_directives={**DIRECTIVES, "embedsignature": True},
        ),
        *cythonize(
            [
                Extension(
                    name,
                    [f"{name.replace('.', '/')}.py"],
                    # -O2 takes twice the time to compile and gains nothing that can be measured.
                    extra_compile_args=["-O1", "-g0"],
                )
                for name in MODULES
            ],
            build_dir="build/cython",
            # Annotations are for people and mypy: whoever passes something else gets Python's behaviour.
            compiler_directives={**DIRECTIVES, "annotation_typing": False},
        ),
    ],
    options={"build_ext": {"parallel": True}},
)
