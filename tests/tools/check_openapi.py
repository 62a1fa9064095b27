#!/usr/bin/env python3
"""Checks an OpenAPI document with openapi-spec-validator, an implementation that is not ours.

Reads the document from standard input or from the address given, and checks besides that each
example passes its own schema. Needs the Python packages openapi-spec-validator and jsonschema;
fails without them. The last line says "N passed, N failed".
"""

import json
import sys
import urllib.request

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator


def media_types(node, path=""):
    """Every object with a schema and an example."""
    if isinstance(node, dict):
        if "schema" in node and "example" in node:
            yield path, node["schema"], node["example"]
        for name, schema in (node.get("schemas") or {}).items():
            for example in schema.get("examples", []):
                yield f"{path}/schemas/{name}", schema, example
            for field, inner in schema.get("properties", {}).items():
                for example in inner.get("examples", []):
                    yield f"{path}/schemas/{name}/{field}", inner, example
        for name, child in node.items():
            yield from media_types(child, f"{path}/{name}")
    elif isinstance(node, list):
        for place, child in enumerate(node):
            yield from media_types(child, f"{path}/{place}")


def main():
    if len(sys.argv) > 1:
        with urllib.request.urlopen(sys.argv[1], timeout=30) as answer:
            document = json.load(answer)
    else:
        document = json.load(sys.stdin)
    passed = failed = 0
    problems = list(OpenAPIV31SpecValidator(document).iter_errors())
    for problem in problems:
        print(f"FAILED document: {problem.message} at {list(problem.absolute_path)}")
    failed += len(problems)
    passed += not problems
    operations = [
        operation.get("operationId")
        for item in [*document["paths"].values(), *document["webhooks"].values()]
        for method, operation in item.items() if method in ("get", "post")
    ]
    distinct = len(set(operations)) == len(operations) and None not in operations
    passed += distinct
    failed += not distinct
    if not distinct:
        print("FAILED operationId: missing, or one stands twice")
    for path, schema, example in media_types(document):
        rooted = {**schema, "components": document["components"]}
        errors = list(Draft202012Validator(rooted).iter_errors(example))
        for error in errors:
            print(f"FAILED example at {path}: {error.message}")
        failed += bool(errors)
        passed += not errors
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
