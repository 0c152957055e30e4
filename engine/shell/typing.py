"""NamedTuple, without what typing's costs at the start: 0.15 ms for each of 25 classes, and typing itself.

To a type checker it is typing's. Fields, defaults, `_fields`, `_replace` and unpacking are the same; that no
field is missing is left to the type checker. For the same reason the modules that every start needs import typing for
the type checker only.
"""

from __future__ import annotations

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:
    from collections import _tuplegetter

    class _Fields(type):
        """Makes a field of each annotation."""

        def __new__(cls, name, bases, namespace):
            fields = tuple(namespace.get("__annotations__", ()))
            defaults = {field: namespace[field] for field in fields if field in namespace}
            getters = {field: _tuplegetter(index, None) for index, field in enumerate(fields)}
            own = {"__slots__": (), "_fields": fields, "__match_args__": fields, "_defaults": defaults}
            return super().__new__(cls, name, bases, {**namespace, **getters, **own})

    class NamedTuple(tuple, metaclass=_Fields):
        def __new__(cls, *values, **named):
            if named or len(values) != len(cls._fields):
                values += tuple([named.pop(name, cls._defaults.get(name)) for name in cls._fields[len(values) :]])
                if named or len(values) > len(cls._fields):
                    raise TypeError(f"{cls.__name__} has the fields {', '.join(cls._fields)}")
            return tuple.__new__(cls, values)

        def _replace(self, **changes):
            return self.__class__(**{**dict(zip(self._fields, self, strict=True)), **changes})

        def __repr__(self):
            values = ", ".join(f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True))
            return f"{self.__class__.__name__}({values})"
