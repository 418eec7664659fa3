"""Random changes of nested values, and junk of every kind that YAML and JSON know."""

import copy
import datetime
import json
import struct

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

HEALTH = [
    HealthCheck.too_slow,
    HealthCheck.function_scoped_fixture,
    HealthCheck.data_too_large,
    HealthCheck.large_base_example,
]

NUMBERS = [
    0,
    -1,
    1,
    2,
    3,
    7,
    11,
    200,
    2**31,
    2**63,
    10**400,
    -(10**30),
    0.5,
    1.0,
    -0.0,
    1 / 3,
    10.0000001,
    5e-324,
    1e308,
    1e17,
]
TEXTS = [
    "",
    "../../evil",
    "a/b",
    "x\n",
    "{run}",
    "<script>",
    "\0",
    "é" * 10**5,
    "1e-3",
    "lsa",
    "newton3",
    "\ud800",
    "null",
]
scalars = st.one_of(
    st.sampled_from([*NUMBERS, float("nan"), float("inf"), None, True, False]),
    st.sampled_from(TEXTS),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
)
foreign = st.sampled_from(
    [b"bytes", datetime.date(2026, 1, 1), datetime.datetime(2026, 1, 1), {1, 2}, (1, 2), 1j]
)
keys = st.one_of(
    st.text(max_size=5), st.sampled_from([1, None, True, datetime.date(2026, 1, 1), 2.5])
)
junk = st.recursive(
    st.one_of(scalars, foreign),
    lambda s: st.lists(s, max_size=3) | st.dictionaries(keys, s, max_size=3),
)
plain = st.recursive(
    scalars, lambda s: st.lists(s, max_size=3) | st.dictionaries(st.text(max_size=5), s, max_size=3)
)
ACTIONS = [
    "nudge",
    "replace",
    "delete",
    "rename",
    "repeat",
    "wrap",
    "swap",
    "say",
    "nudge",
    "replace",
]


def fuzz(count):
    """The same examples in every run, without a limit on the time of one."""
    return settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=HEALTH,
    )


def places(value):
    """Every (container, key) inside a nest of lists and mappings."""
    items = (
        list(value.items())
        if isinstance(value, dict)
        else list(enumerate(value))
        if isinstance(value, list)
        else []
    )
    for key, item in items:
        yield value, key
        yield from places(item)


def change(data, value, values):
    """One random change of a nest, in place."""
    container, key = data.draw(st.sampled_from(list(places(value))))
    action = data.draw(st.sampled_from(ACTIONS))
    match action:
        case "nudge" if isinstance(container[key], int | float) and not isinstance(
            container[key], bool
        ):
            container[key] = data.draw(
                st.sampled_from([container[key] + 1, container[key] - 1, 2 * container[key]])
            )
        case "nudge":
            numbers = [p for p in places(value) if type(p[0][p[1]]) in (int, float)]
            other, place = data.draw(st.sampled_from(numbers or [(container, key)]))
            other[place] = data.draw(st.sampled_from([1, 2, 3, 4, 16, 0.5]))
        case "replace":
            container[key] = data.draw(values)
        case "delete":
            del container[key]
        case "rename" if isinstance(container, dict):
            container[data.draw(keys if values is junk else st.text(max_size=5))] = container.pop(
                key
            )
        case "repeat" if isinstance(container, list):
            container.append(copy.deepcopy(container[key]))
        case "repeat":
            container[f"{key}_again"] = copy.deepcopy(container[key])
        case "wrap":
            container[key] = [container[key]]
        case "swap":
            other, place = data.draw(st.sampled_from(list(places(value))))
            container[key] = copy.deepcopy(other[place])
        case _:
            container[key] = str(container[key])


def damage_bytes(data, content, others):
    """Some bytes changed, in the ways in which files go wrong."""
    place = data.draw(
        st.one_of(st.integers(0, min(len(content), 2000)), st.integers(0, len(content)))
    )
    more = data.draw(st.binary(min_size=1, max_size=9))
    match data.draw(
        st.sampled_from(
            ["flip", "flip", "cut", "insert", "drop", "write", "append", "random", "other", "zero"]
        )
    ):
        case "flip":
            place = min(place, len(content) - 1)
            return (
                content[:place]
                + bytes([content[place] ^ 1 << data.draw(st.integers(0, 7))])
                + content[place + 1 :]
            )
        case "cut":
            return content[:place]
        case "insert":
            return content[:place] + more + content[place:]
        case "drop":
            return content[:place] + content[place + len(more) :]
        case "write":
            return content[:place] + more + content[place + len(more) :]
        case "append":
            return content + more
        case "random":
            return data.draw(st.binary(max_size=200))
        case "other":
            return data.draw(st.sampled_from(others))
        case _:
            return bytes(len(content))


def header(weights):
    size = struct.unpack("<Q", weights[:8])[0]
    return json.loads(weights[8 : 8 + size]), weights[8 + size :]


def with_header(values, rest):
    text = json.dumps(values).encode()
    return struct.pack("<Q", len(text)) + text + rest
