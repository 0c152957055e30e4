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
    from operator import itemgetter

    _new = tuple.__new__

    class _Fields(type):
        """Makes a field of each annotation."""

        def __new__(cls, name, bases, namespace):
            fields = tuple(namespace.get("__annotations__", ()))
            own = {
                "__slots__": (), "__match_args__": fields, "_fields": fields, "_size": len(fields),
                "_defaults": tuple([namespace.get(field) for field in fields]),
            }  # fmt: skip
            getters = {field: property(itemgetter(index)) for index, field in enumerate(fields)}
            return super().__new__(cls, name, bases, {**namespace, **getters, **own})

    class NamedTuple(tuple, metaclass=_Fields):
        def __new__(cls, *values, **named):
            if named or len(values) != cls._size:
                values += cls._defaults[len(values) :] if not named else cls._named(len(values), named)
                if len(values) > cls._size:
                    raise TypeError(f"{cls.__name__} has the fields {', '.join(cls._fields)}")
            return _new(cls, values)

        @classmethod
        def _named(cls, start, named):
            fields = zip(cls._fields[start:], cls._defaults[start:], strict=True)
            values = tuple([named.pop(field, default) for field, default in fields])
            if named:
                raise TypeError(f"{cls.__name__} has no field {' or '.join(named)}, or it is given twice")
            return values

        def _replace(self, **changes):
            return self.__class__(**{**dict(zip(self._fields, self, strict=True)), **changes})

        def __repr__(self):
            values = ", ".join(f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True))
            return f"{self.__class__.__name__}({values})"
