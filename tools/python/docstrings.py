"""Google-style docstrings: description, parameters, examples. `:param name: text` is read as well."""

import re
import textwrap
from dataclasses import dataclass, field

SECTIONS = (
    'Args', 'Arguments', 'Parameters', 'Params', 'Keyword Args', 'Other Parameters', 'Attributes', 'Returns', 'Return',
    'Yields', 'Raises', 'Except', 'Example', 'Examples', 'Note', 'Notes', 'Warning', 'Warnings', 'See Also',
    'References', 'Todo',
)  # fmt: skip
OF_PARAMETERS = ('Args', 'Arguments', 'Parameters', 'Params', 'Keyword Args', 'Other Parameters')
HEADER = re.compile(rf'^({"|".join(SECTIONS)}):[ \t]*$')
PARAMETER = re.compile(r'^\*{0,2}(\w+)[ \t]*(?:\(.*?\))?[ \t]*:[ \t]*(.*)$')
FIELD = re.compile(r'^:param\s+(?:[^:]*\s)?(\w+)\s*:\s*(.*)$')
ANY_FIELD = re.compile(r'^:(param|type|returns?|rtype|raises?|yields?)\b')


@dataclass
class Docstring:
    description: str
    parameters: dict = field(default_factory=dict)


def parse(text):
    """What a cleaned docstring says of the function and of each parameter."""
    lines = text.expandtabs().splitlines()
    sections, intro = {}, []
    current = intro
    for line in lines:
        header = HEADER.match(line)
        if header:
            current = sections.setdefault(header[1], [])
        elif ANY_FIELD.match(line):
            current = sections.setdefault(':', [])
            current.append(line)
        else:
            current.append(line)
    parameters = {}
    for name in OF_PARAMETERS:
        parameters.update(read_parameters(sections.get(name, [])))
    parameters.update(read_fields(sections.get(':', [])))
    return Docstring(describe(intro, sections.get('Examples')), parameters)


def describe(intro, examples):
    """First line, then the rest, then the examples, each a paragraph of its own."""
    first, *rest = '\n'.join(intro).strip().split('\n')
    parts = [first.strip(), '\n'.join(rest).strip('\n').rstrip()]
    if examples:
        parts.append('\n'.join(['Examples:', *examples]).rstrip())
    return '\n\n'.join(part for part in parts if part)


def read_parameters(lines):
    lines = textwrap.dedent('\n'.join(lines)).splitlines()
    found = {}
    name, text = None, []
    for line in lines:
        start = PARAMETER.match(line) if line[:1].strip() else None
        if start:
            keep(found, name, text)
            name, text = start[1], [start[2]]
        elif name is not None:
            text.append(line)
    keep(found, name, text)
    return found


def read_fields(lines):
    found = {}
    name, text = None, []
    for line in lines:
        start = FIELD.match(line)
        if start or ANY_FIELD.match(line):
            keep(found, name, text)
            name, text = (start[1], [start[2]]) if start else (None, [])
        else:
            text.append(line)
    keep(found, name, text)
    return found


def keep(found, name, text):
    if name is None:
        return
    first, *rest = text
    found[name] = '\n'.join([first, *textwrap.dedent('\n'.join(rest)).splitlines()]).strip()
