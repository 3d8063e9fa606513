"""Arguments as objects of classes, for a tool whose arguments have a schema of their own: its source may name the classes."""

import enum
import json


class Model:
    """An object of the schema: its fields as attributes, and the methods of pydantic's models that functions call."""

    def __init__(self, **fields):
        vars(self).update(fields)

    def __repr__(self):
        return f'{type(self).__name__}({", ".join(f"{name}={value!r}" for name, value in vars(self).items())})'

    def __eq__(self, other):
        return type(self) is type(other) and vars(self) == vars(other)

    def model_dump(self):
        return plain(self)

    def model_dump_json(self):
        return json.dumps(plain(self), ensure_ascii=False)

    dict = model_dump
    json = model_dump_json


class Choice(enum.Enum):
    """One of the values that the schema allows."""


def class_of(name, definition):
    if 'enum' in definition:
        return Choice(name, {str(value): value for value in definition['enum']})
    # What else is defined is a name for annotations; its values are passed as they came.
    return type(name, (Model if 'properties' in definition else object,), {})


def plain(value):
    """The value with objects of the schema as dictionaries again."""
    if isinstance(value, Choice):
        return value.value
    if isinstance(value, Model):
        value = vars(value)
    if type(value) is dict:
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if type(value) is list else value


class Models:
    """The classes of one schema, by the names of its definitions."""

    def __init__(self, schema):
        self.schema = schema or {}
        self.definitions = {**self.schema.get('definitions', {}), **self.schema.get('$defs', {})}
        self.classes = {name: class_of(name, each) for name, each in self.definitions.items() if name.isidentifier()}

    def read(self, arguments):
        """The arguments by name, objects of the schema in place of dictionaries."""
        properties = self.schema.get('properties', {})
        return {name: self.fit(value, properties.get(name)) for name, value in arguments.items()}

    def fit(self, value, schema):
        name, schema = self.resolve(schema)
        if isinstance(value, list):
            return [self.fit(each, schema.get('items')) for each in value]
        if value is not None and 'enum' in schema and name in self.classes:
            return self.classes[name](value)
        if not isinstance(value, dict):
            return value
        properties, others = schema.get('properties', {}), schema.get('additionalProperties')
        fields = {key: self.fit(each, properties.get(key, others)) for key, each in value.items()}
        if name not in self.classes or not properties:
            return fields
        missing = [each for each in schema.get('required', ()) if each not in value]
        if missing:
            raise ValueError(f'{name} lacks {", ".join(missing)}')
        defaults = {key: self.fit(each.get('default'), each) for key, each in properties.items()}
        return self.classes[name](**{**defaults, **fields})

    def resolve(self, schema):
        """The schema that a reference or an optional value stands for, and the name of its definition."""
        name = None
        for _ in range(20):  # A definition may refer to itself.
            if not isinstance(schema, dict):
                break
            one_of = [each for each in schema.get('anyOf', schema.get('allOf', ())) if each != {'type': 'null'}]
            if '$ref' in schema:
                name = schema['$ref'].rpartition('/')[2]
                schema = self.definitions.get(name)
            elif len(one_of) == 1:
                schema = one_of[0]
            else:
                return name, schema
        return None, {}
