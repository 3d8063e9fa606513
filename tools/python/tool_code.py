"""Calls the tool's function, or runs a piece of code, and tells what came of it. Runs inside of the sandbox."""

import builtins
import json
import os
import site
import sys
import types

import agent_memory
import argument_models

# What few tools need is imported where it is used: a call costs mostly the start of its interpreter.

MODULE = 'tool'
TRACEBACK_LIMIT = 20_000


def run(request):
    """The answer to a request: a value, or an error with its traceback."""
    file = f'{request["name"]}.py'
    source = request['source']
    try:
        os.environ.clear()
        os.environ.update(request['environment'])
        add_packages(request['packages'])
        if request['kind'] == 'code':
            return {'value': run_code(source, file)}
        agent = agent_memory.Watched(json.loads(request['agentState'], object_hook=agent_memory.Record))
        value = to_text(call_function(request, file, agent.state))
        return {'value': value[: request['limit']], 'length': len(value), 'memory': agent.writes()}
    except BaseException as error:  # SystemExit and KeyboardInterrupt are results as well.
        return {'error': describe(error, request)}


def add_packages(folders):
    """Makes packages importable, those of the tool first. Their start-up files run here, inside of the sandbox."""
    site.main()
    before = list(sys.path)
    for folder in folders:
        site.addsitedir(folder)
    added = [entry for entry in sys.path if entry not in before]
    sys.path[:] = [*added, *before]


def load(source, file, names):
    module = types.ModuleType(MODULE)
    code = compile(source, file, 'exec')
    module.__dict__.update(usual_names(code), **names, __file__=file)
    sys.modules[MODULE] = module
    exec(code, module.__dict__)
    return module


# Clients send the source of a function without the imports of its file; tools written for the original count on these.
USUAL_MODULES = ('asyncio', 'base64', 'hashlib', 'os', 'pickle', 'struct', 'sys')


def usual_names(code):
    """The names of typing, and modules, where the code uses them: what it imports or defines itself takes their place."""
    used = names_of(code)
    found = {name: __import__(name) for name in USUAL_MODULES if name in used}
    if any(name[0].isupper() and not hasattr(builtins, name) for name in used):
        import typing

        found.update({name: getattr(typing, name) for name in used.intersection(typing.__all__)})
    return found


def names_of(code):
    inner = [names_of(each) for each in code.co_consts if isinstance(each, types.CodeType)]
    return set(code.co_names).union(*inner)


def call_function(request, file, agent_state):
    models = argument_models.Models(request['argumentsSchema'])
    names = {
        **models.classes,
        'client': None,
        'agent_id': request['agentId'],
        'agent_state': agent_state,
        'AgentState': agent_memory.Record,
    }
    module = load(request['source'], file, names)
    function = module.__dict__.get(request['name'])
    if not callable(function):
        raise NameError(f"the source defines no function '{request['name']}'")
    given = models.read(request['arguments'])
    parameters = parameters_of(function)
    if 'agent_state' in parameters:
        given['agent_state'] = agent_state
    if parameters[:1] == ('self',):
        given['self'] = None
    annotations = annotations_of(function)
    value = function(**{name: fit(each, annotations.get(name)) for name, each in given.items()})
    if isinstance(value, types.CoroutineType):
        value = asyncio_run(value)
    return argument_models.plain(value) if models.classes else value


def parameters_of(function):
    code = getattr(function, '__code__', None)
    if code is None or hasattr(function, '__wrapped__'):
        import inspect

        return tuple(inspect.signature(function).parameters)
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def asyncio_run(coroutine):
    import asyncio

    return asyncio.run(coroutine)


def annotations_of(function):
    annotations = getattr(function, '__annotations__', {})
    if not any(isinstance(each, str) for each in annotations.values()) and 'typing' not in sys.modules:
        return annotations
    import typing

    hints, scope = {}, {**vars(typing), **getattr(function, '__globals__', {})}
    for name, annotation in annotations.items():
        try:
            hints.update(typing.get_type_hints(types.SimpleNamespace(__annotations__={name: annotation}), scope))
        except Exception:
            pass  # An annotation may name what exists for type checkers only.
    return hints


def fit(value, annotation):
    """Models of pydantic are made from objects; numbers and objects that came as text are read."""
    origin = getattr(annotation, '__origin__', annotation)
    members = getattr(annotation, '__args__', ())
    # A Union exists only where somebody imported typing.
    union = getattr(sys.modules.get('typing'), 'Union', None)
    if (union is not None and origin is union) or isinstance(annotation, getattr(types, 'UnionType', ())):
        inner = [each for each in members if each is not type(None)]
        return fit(value, inner[0]) if len(inner) == 1 and value is not None else value
    if isinstance(value, (dict, argument_models.Model)) and hasattr(annotation, 'model_validate'):
        return annotation.model_validate(argument_models.plain(value))
    if isinstance(value, str) and origin in (int, float, bool, list, dict):
        try:
            value = json.loads(value.lower() if origin is bool else value)
        except ValueError:
            return value
    if origin is list and isinstance(value, list) and members:
        return [fit(each, members[0]) for each in value]
    if origin is int and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def to_text(value):
    """Text as it is, objects as JSON, anything else by str()."""
    if isinstance(value, dict):
        try:
            return json.dumps(value, ensure_ascii=False)
        except (TypeError, ValueError):
            pass  # Something in it has no JSON; its text is shown instead.
    return whole(value if type(value) is str else str(value))


def whole(text):
    """Characters that no encoding has would break every reader of the answer."""
    return text.encode('utf-8', 'replace').decode() if not text.isascii() else text


def run_code(source, file):
    """Runs the code; the value of a last expression is the result."""
    import ast

    tree = ast.parse(source, file)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    module = load(tree, file, {})
    if last is None:
        return []
    value = eval(compile(ast.Expression(last.value), file, 'eval'), module.__dict__)
    if isinstance(value, types.CoroutineType):
        value = asyncio_run(value)
    return [] if value is None else [whole(repr(value))[:1_000_000]]


def describe(error, request):
    """Name, text and traceback, the latter from the tool's first line on."""
    runner = os.path.abspath(__file__)
    file = f'{request["name"]}.py'
    try:
        import linecache
        import traceback

        source = request['source']
        linecache.cache[file] = (len(source), None, source.splitlines(True), file)
        frames = error.__traceback__
        while frames is not None and frames.tb_frame.f_code.co_filename == runner:
            frames = frames.tb_next
        trace = ''.join(traceback.format_exception(type(error), error, frames, limit=50))
        text = whole(str(error))
    except BaseException:  # An exception whose own text fails, or no memory left for it.
        trace, text = '', ''
    hint = None
    if isinstance(error, ModuleNotFoundError):
        hint = "name the package in the tool's pip_requirements, or install it into the Python that TOOL_PYTHON names"
    elif isinstance(error, PermissionError) and not request['policy']['network'] and 'socket' in trace:
        hint = 'this tool has no network; its `network` field gives it one'
    return {
        'type': whole(type(error).__name__),
        'message': text[:TRACEBACK_LIMIT],
        'traceback': whole(trace)[-TRACEBACK_LIMIT:],
        'hint': hint,
    }
