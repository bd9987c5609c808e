"""Reads cases from standard input, and writes for each the error of dataconf, or null if dataconf accepts the environment.

A case has a prefix, an environment and the declared settings (tests/support/sessions/original-programs.ts). The settings
become the classes that the programs of renku-notebooks 1.18.1 pass to dataconf.
"""

import json
import os
import sys
from dataclasses import field, make_dataclass

import dataconf

TYPES = {"text": str, "flag": str, "boolean": bool, "integer": int, "number": float}


def settings_class(name, settings):
    inner = {}
    fields = []
    for key, setting in settings.items():
        group, separator, rest = key.lower().partition("__")
        if separator:
            inner.setdefault(group, {})[rest] = setting
        elif setting.get("isRequired"):
            fields.append((key.lower(), TYPES[setting["type"]]))
        else:
            of_type = TYPES[setting["type"]]
            fields.append((key.lower(), of_type, field(default=of_type())))
    groups = [(group, settings_class(group, each)) for group, each in inner.items()]
    return make_dataclass(name, sorted(fields + groups, key=len))


def rejection(case):
    for name in list(os.environ):
        if name.startswith(case["prefix"]):
            del os.environ[name]
    os.environ.update(case["environment"])
    try:
        dataconf.env(case["prefix"], settings_class("Config", case["settings"]))
    except Exception as error:  # pylint: disable=broad-except
        return f"{type(error).__name__}: {error}"
    return None


json.dump([rejection(case) for case in json.load(sys.stdin)], sys.stdout)
