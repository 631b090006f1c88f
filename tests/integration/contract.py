"""Holds answers of the agent against its OpenAPI document: dashboards/api/openapi.json.

A validator of what the document uses of JSON Schema, no more; a keyword that it does not know is an error.
"""
import json
import os
import re

DOCUMENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "dashboards", "api", "openapi.json")
IGNORED = {"description", "format"}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def is_type(value, name):
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


class Contract:
    def __init__(self, document):
        self.document = document
        self.paths = []
        for path, methods in document["paths"].items():
            parts = re.split(r"(\{\w+\})", path)
            pattern = "".join(".+" if part == "{path}" else "[^/]+" if part.startswith("{") else re.escape(part) for part in parts)
            self.paths.append((re.compile(pattern), methods))
        # The exact ones first.
        self.paths.sort(key=lambda entry: "[^/]+" in entry[0].pattern or ".+" in entry[0].pattern)

    def resolve(self, schema):
        while "$ref" in schema:
            target = self.document
            for part in schema["$ref"][2:].split("/"):
                target = target[part]
            schema = target
        return schema

    def problem(self, value, schema, where="$"):
        """What is wrong with the value; None: nothing."""
        schema = self.resolve(schema)
        for keyword, argument in schema.items():
            if keyword in IGNORED:
                continue
            found = getattr(self, "check_" + keyword)(value, argument, schema, where)
            if found:
                return found
        return None

    def check_type(self, value, names, _, where):
        names = [names] if isinstance(names, str) else names
        return None if any(is_type(value, name) for name in names) else f"{where}: {value!r:.80} is no {' or '.join(names)}"

    def check_const(self, value, constant, _, where):
        return None if value == constant else f"{where}: {value!r:.80} is not {constant!r}"

    def check_enum(self, value, values, _, where):
        return None if value in values else f"{where}: {value!r:.80} is none of {values}"

    def check_required(self, value, names, _, where):
        missing = [name for name in names if isinstance(value, dict) and name not in value]
        return f"{where}: {', '.join(missing)} missing" if missing else None

    def check_properties(self, value, properties, _, where):
        for name, schema in properties.items():
            if isinstance(value, dict) and name in value:
                found = self.problem(value[name], schema, f"{where}.{name}")
                if found:
                    return found
        return None

    def check_additionalProperties(self, value, schema, parent, where):
        for name, item in value.items() if isinstance(value, dict) else ():
            found = None if name in parent.get("properties", {}) else self.problem(item, schema, f"{where}.{name}")
            if found:
                return found
        return None

    def check_items(self, value, schema, _, where):
        for i, item in enumerate(value if isinstance(value, list) else ()):
            found = self.problem(item, schema, f"{where}[{i}]")
            if found:
                return found
        return None

    def check_prefixItems(self, value, schemas, _, where):
        for i, (item, schema) in enumerate(zip(value if isinstance(value, list) else (), schemas)):
            found = self.problem(item, schema, f"{where}[{i}]")
            if found:
                return found
        return None

    def check_minItems(self, value, count, _, where):
        return f"{where}: fewer than {count} items" if isinstance(value, list) and len(value) < count else None

    def check_maxItems(self, value, count, _, where):
        return f"{where}: more than {count} items" if isinstance(value, list) and len(value) > count else None

    def check_allOf(self, value, schemas, _, where):
        return next(filter(None, (self.problem(value, schema, where) for schema in schemas)), None)

    def check_oneOf(self, value, schemas, _, where):
        found = [self.problem(value, schema, where) for schema in schemas]
        good = found.count(None)
        return None if good == 1 else f"{where}: fits {good} of {len(schemas)} alternatives ({'; '.join(filter(None, found))})"

    def operation(self, method, path):
        for pattern, methods in self.paths:
            if pattern.fullmatch(path):
                return methods.get(method.lower())
        return None

    def check(self, method, target, status, content_type, body):
        """AssertionError when the document does not allow the answer. What is no route is none of its business."""
        path = target.split("?")[0]
        operation = self.operation("GET" if method == "HEAD" else method, path)
        if operation is None or method in ("HEAD", "OPTIONS") or (status == 503 and body.startswith(b"Service Unavailable")):
            return
        answer = operation["responses"].get(str(status), operation["responses"].get("default"))
        assert answer is not None, f"{method} {path}: status {status} is not in the document"
        content = self.resolve(answer).get("content", {})
        media = content_type.split(";")[0]
        if not content:
            return
        if media == "text/plain" and status >= 400 and "text/plain" not in content:
            assert status in (408, 413, 431), f"{method} {path}: {status} as text: {body[:100]}"
            return
        assert media in content, f"{method} {path}: {media} is not in the document ({status}: {body[:100]})"
        schema = content[media]["schema"]
        values = []
        if media == "application/json":
            values = [json.loads(body)]
        elif media == "application/x-ndjson":
            values = [json.loads(line) for line in body.splitlines()]
        for value in values:
            found = self.problem(value, schema)
            assert not found, f"{method} {target}: {found}"


def load():
    with open(DOCUMENT, encoding="utf-8") as file:
        return Contract(json.load(file))


CONTRACT = load()
