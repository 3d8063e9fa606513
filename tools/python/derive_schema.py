"""
Reads a tool's schema from its source, by its syntax alone: nothing of it runs. Reads {source, name, describeOnly} (JSON) from
stdin; prints {schema} or {error}.
"""

import ast
import json
import os
import resource
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import annotations  # noqa: E402
import docstrings  # noqa: E402

HIDDEN = ('self', 'agent_state')


class Underivable(Exception):
    pass


def find_function(tree, name):
    functions = [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    found = [node for node in functions if name is None or node.name == name]
    if found:
        return found[-1]  # As in Python, a later definition replaces an earlier one.
    if not functions:
        raise Underivable('No functions found in source code')
    raise Underivable(f"Function '{name}' not found in source code")


def parameters_of(function):
    """Name, annotation and default of each parameter that the model fills in."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    missing = [None] * (len(positional) - len(arguments.defaults))
    for each, default in zip(positional, [*missing, *arguments.defaults]):
        yield each.arg, each.annotation, default
    for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults):
        yield each.arg, each.annotation, default


def properties_of(function, docs, types):
    properties, required = {}, []
    for name, annotation, default in parameters_of(function):
        if name in HIDDEN:
            continue
        where = f"Parameter '{name}' in function '{function.name}'"
        if annotation is None:
            raise Underivable(f'{where} lacks a type annotation')
        if not docs.parameters.get(name):
            raise Underivable(f'{where} lacks a description in the docstring')
        try:
            schema, is_optional = types.read(annotation)
        except annotations.Unsupported as error:
            raise Underivable(f'{where}: {error}') from error
        properties[name] = {**schema, 'description': docs.parameters[name]}
        if default is None and not is_optional:
            required.append(name)
    return properties, required


def derive(source, name, describe_only):
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise Underivable(f'Failed to parse source code: {error}') from error
    function = find_function(tree, name)
    docstring = ast.get_docstring(function)
    docs = docstrings.parse(docstring or '')
    if describe_only:
        return {'name': function.name, 'description': docs.description, 'parameters': {}}
    if not docstring:
        raise Underivable(f'Function {function.name} missing docstring')
    properties, required = properties_of(function, docs, annotations.Types(tree))
    return {
        'name': function.name,
        'description': docs.description,
        'parameters': {'type': 'object', 'properties': properties, 'required': required},
    }


def main():
    # A source that is nested to exhaust the parser must not exhaust the machine.
    resource.setrlimit(resource.RLIMIT_AS, (512 << 20, 512 << 20))
    resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    request = json.loads(sys.stdin.buffer.read())
    try:
        answer = {'schema': derive(request['source'], request['name'], request['describeOnly'])}
    except Underivable as error:
        answer = {'error': str(error)}
    except (RecursionError, MemoryError):
        answer = {'error': 'Failed to parse source code: it is nested too deeply'}
    print(json.dumps(answer))


main()
