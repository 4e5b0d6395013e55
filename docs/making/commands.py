"""The command reference, written from the command line itself."""

from __future__ import annotations

from typing import Any

import typer

from fedrl.benchmark.cli.main import app
from making.settings import code, markdown, plain

HEAD = """\
# Commands

Written from the command line when this site is built; `fedrl COMMAND --help` says the same. Every
command ends with exit code 0 if all went well, 1 if it found what it looks for to be different,
missing or failed, 2 after a mistake in what was asked, and 130 after Ctrl-C.
"""
HELP = ("help", "install_completion", "show_completion")


def commands() -> dict[str, Any]:
    """Name to command, as the program has them."""
    group: Any = typer.main.get_command(app)
    return dict(group.commands)


def page() -> str:
    """One section per command."""
    return "\n\n".join([HEAD, *(section(name, each) for name, each in commands().items())]) + "\n"


def section(name: str, command: Any) -> str:
    """Usage, what it does, arguments and options, examples."""
    shown = [p for p in command.params if p.name not in HELP and not p.hidden]
    arguments, options = ([p for p in shown if _is_option(p) is kind] for kind in (False, True))
    usage = " ".join(["fedrl", name, *map(_usage, arguments), *["[OPTIONS]"] * bool(options)])
    told, _, examples = (command.help or "").partition("Examples:")
    parts = [f"## `fedrl {name}`", f"```text\n{usage}\n```", _prose(told)]
    if shown:
        rows = [(_names(p), plain(p.help or ""), _default(p)) for p in arguments + options]
        parts.append(markdown(("argument or option", "meaning", "default"), rows))
    lines = [line.strip() for line in examples.strip("\n\b").splitlines()]
    if lines:
        parts.append("```sh\n" + "\n".join(lines) + "\n```")
    return "\n\n".join(parts)


def _is_option(parameter: Any) -> bool:
    return str(parameter.opts[0]).startswith("-")


def _usage(argument: Any) -> str:
    shown = str(argument.metavar or argument.name.upper())
    return shown if argument.required else f"[{shown}]"


def _names(parameter: Any) -> str:
    """--names VALUE; a flag has no value."""
    metavar = parameter.metavar
    if not _is_option(parameter):
        return code(str(metavar or parameter.name.upper()))
    if getattr(parameter, "is_flag", False):
        return ", ".join(code(name) for name in parameter.opts)
    kind = parameter.type_descriptor.annotation
    value = metavar or {int: "NUMBER", float: "NUMBER"}.get(kind, "VALUE")
    return ", ".join(code(f"{name} {value}") for name in parameter.opts)


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    if isinstance(parameter.show_default, str):
        return plain(parameter.show_default)
    if getattr(parameter, "is_flag", False):
        return "off"
    return "" if parameter.default in (None, (), []) else code(str(parameter.default))


def _prose(told: str) -> str:
    """Help text, a paragraph in one line."""
    return "\n\n".join(plain(" ".join(part.split())) for part in told.strip().split("\n\n"))
