"""The folders of this repository, installed below one name: `benchmark` as `fedrl.benchmark`."""

from setuptools import find_packages, setup

FOLDERS = ("algorithms", "benchmark", "envs", "reports")

setup(
    packages=[
        "fedrl",
        *(f"fedrl.{p}" for f in FOLDERS for p in find_packages(include=[f, f"{f}.*"])),
    ],
    package_dir={"fedrl": "fedrl", **{f"fedrl.{folder}": folder for folder in FOLDERS}},
)
