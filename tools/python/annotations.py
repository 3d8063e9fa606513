"""JSON schemas of annotations, read from the syntax: builtins, typing, and pydantic models of the same source."""

import ast

SCALARS = {'int': 'integer', 'float': 'number', 'str': 'string', 'bool': 'boolean', 'None': 'null'}
LISTS = ('list', 'List', 'Sequence', 'Iterable', 'set', 'Set', 'frozenset')
OBJECTS = ('dict', 'Dict', 'Mapping', 'MutableMapping')
TUPLES = ('tuple', 'Tuple')
DEEPEST = 20


class Unsupported(Exception):
    pass


class Types:
    """The types that one source knows."""

    def __init__(self, tree):
        self.classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        self.aliases = dict(aliases_of(tree))

    def read(self, node, depth=0):
        """The schema of an annotation, and whether None is allowed in its place."""
        if depth > DEEPEST:
            raise Unsupported('the type is nested too deeply, or refers to itself')
        node = self.resolve(node)
        if isinstance(node, ast.Subscript):
            return self.read_generic(name_of(node.value), arguments_of(node), node, depth + 1)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return self.read_union(members_of(node), node, depth + 1)
        name = name_of(node)
        if name in SCALARS:
            return {'type': SCALARS[name]}, False
        if name in LISTS:
            return {'type': 'array', 'items': {'type': 'string'}}, False
        if name in OBJECTS:
            return {'type': 'object'}, False
        if self.is_model(name):
            return self.read_model(self.classes[name], depth + 1), False
        raise Unsupported(
            f"Python type '{ast.unparse(node)}' has no corresponding JSON schema type; use int, float, str, bool, list, "
            'dict, Literal, Optional or a pydantic model, or send `json_schema` with the tool'
        )

    def resolve(self, node):
        """The annotation itself: out of a text, an alias or Annotated."""
        for _ in range(DEEPEST):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                try:
                    node = ast.parse(node.value, mode='eval').body
                except SyntaxError as error:
                    raise Unsupported(f'{node.value!r} is not a type') from error
            elif isinstance(node, ast.Subscript) and name_of(node.value) in ('Annotated', 'Final'):
                node = arguments_of(node)[0]
            elif isinstance(node, ast.Name) and node.id in self.aliases:
                node = self.aliases[node.id]
            else:
                return node
        raise Unsupported('the type refers to itself')

    def read_generic(self, name, arguments, node, depth):
        if name == 'Optional':
            return self.read(arguments[0], depth)[0], True
        if name == 'Union':
            return self.read_union(arguments, node, depth)
        if name == 'Literal':
            return read_literal(arguments), False
        if name in LISTS:
            return {'type': 'array', 'items': self.read(arguments[0], depth)[0]}, False
        if name in OBJECTS:
            return {'type': 'object'}, False
        if name in TUPLES and not any(is_ellipsis(each) for each in arguments):
            items = [self.read(each, depth)[0] for each in arguments]
            return {'type': 'array', 'prefixItems': items, 'minItems': len(items), 'maxItems': len(items)}, False
        if name in TUPLES:
            return {'type': 'array', 'items': self.read(arguments[0], depth)[0]}, False
        raise Unsupported(f"Python type '{ast.unparse(node)}' has no corresponding JSON schema type")

    def read_union(self, members, node, depth):
        others = [each for each in members if name_of(each) != 'None']
        if len(others) != 1:
            raise Unsupported(
                f"General Union types are not yet supported ('{ast.unparse(node)}'); only one type and None may be joined"
            )
        return self.read(others[0], depth)[0], len(others) < len(members)

    def is_model(self, name, depth=0):
        node = self.classes.get(name)
        if node is None or depth > DEEPEST:
            return False
        bases = [name_of(base) for base in node.bases]
        return 'BaseModel' in bases or any(self.is_model(base, depth + 1) for base in bases)

    def read_model(self, node, depth):
        if depth > DEEPEST:
            raise Unsupported('the type is nested too deeply, or refers to itself')
        properties, required = {}, []
        for base in node.bases:
            if self.is_model(name_of(base)):
                inherited = self.read_model(self.classes[name_of(base)], depth + 1)
                properties.update(inherited['properties'])
                required += inherited['required']
        for field in node.body:
            if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
                continue
            name = field.target.id
            if name.startswith('_') or name == 'model_config' or is_class_variable(field.annotation):
                continue
            schema, is_optional = self.read(field.annotation, depth + 1)
            description = field_description(field.value) or annotated_description(field.annotation)
            properties[name] = {**schema, **({'description': description} if description else {})}
            required = [each for each in required if each != name]
            if not has_default(field.value) and not (is_optional and field.value is not None):
                required.append(name)
        described = ast.get_docstring(node)
        model = {'type': 'object', 'properties': properties, 'required': required}
        return {**model, **({'description': described} if described else {})}


def aliases_of(tree):
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            if isinstance(node.value, (ast.Subscript, ast.Name, ast.Attribute, ast.BinOp)):
                yield node.targets[0].id, node.value


def name_of(node):
    """The last part of a name: typing.Optional counts as Optional."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Constant) and node.value is None:
        return 'None'
    return None


def arguments_of(node):
    return node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]


def members_of(node):
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return [*members_of(node.left), *members_of(node.right)]
    return [node]


def is_ellipsis(node):
    return isinstance(node, ast.Constant) and node.value is Ellipsis


def is_class_variable(annotation):
    return isinstance(annotation, ast.Subscript) and name_of(annotation.value) == 'ClassVar'


def read_literal(arguments):
    try:
        values = [ast.literal_eval(each) for each in arguments]
    except ValueError as error:
        raise Unsupported('a Literal may hold texts, numbers and booleans only') from error
    kinds = {type(value) for value in values}
    kind = {int: 'integer', bool: 'boolean'}.get(next(iter(kinds)), 'string') if len(kinds) == 1 else 'string'
    return {'type': kind, 'enum': values}


def field_call(node):
    return node if isinstance(node, ast.Call) and name_of(node.func) == 'Field' else None


def field_description(node):
    call = field_call(node)
    for keyword in call.keywords if call else []:
        if keyword.arg == 'description' and isinstance(keyword.value, ast.Constant):
            return str(keyword.value.value)
    return None


def annotated_description(annotation):
    if isinstance(annotation, ast.Subscript) and name_of(annotation.value) == 'Annotated':
        found = [field_description(each) for each in arguments_of(annotation)[1:]]
        return next((each for each in found if each), None)
    return None


def has_default(node):
    call = field_call(node)
    if call is None:
        return node is not None
    if call.args:
        return not is_ellipsis(call.args[0])
    return any(keyword.arg in ('default', 'default_factory') for keyword in call.keywords)
