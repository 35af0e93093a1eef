"""Declarations that nothing refers to, read from the index that a debug build writes.

    dead_code.py <build folder>      e.g. .build/debug, after swift build --build-tests

A declaration is reported when no source file of the package refers to it, or only tests do. What implements a
requirement or overrides is used by whoever calls that; what the compiler writes itself is left out, and so is what a
public product offers to others. What a line of dead_code.txt names is let pass, for the reason above it there; a line
that is not needed any more is reported as well.
"""

import collections
import ctypes
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHIPPED = ("Libraries", "Services", "Migrations", "Examples", "Benchmarks")

# indexstore.h
DEFINITION, REFERENCE, IMPLICIT, CHILD_OF, OVERRIDE_OF = 1 << 1, 1 << 2, 1 << 8, 1 << 9, 1 << 11
PROTOCOL, ENUM_CASE = 8, 15
RECORD = 2
NAMED_KINDS = {5, 6, 7, 8, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22}


class Text(ctypes.Structure):
    _fields_ = [("data", ctypes.c_char_p), ("length", ctypes.c_size_t)]

    def __str__(self):
        return ctypes.string_at(self.data, self.length).decode() if self.length else ""


APPLY = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, ctypes.c_void_p)
APPLY_TEXT = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, Text)


def toolchain_library():
    swiftc = subprocess.run(["swift", "-print-target-info"], capture_output=True, check=True, text=True).stdout
    resources = re.search(r'"runtimeResourcePath": "([^"]+)"', swiftc).group(1)
    return os.path.join(resources, "..", "libIndexStore.so")


class Index:
    """Reads one store by the toolchain's own library."""

    def __init__(self, folder):
        self.library = ctypes.CDLL(os.path.normpath(toolchain_library()))
        for name, result in (
                ("store_create", ctypes.c_void_p), ("unit_reader_create", ctypes.c_void_p),
                ("record_reader_create", ctypes.c_void_p), ("unit_reader_get_main_file", Text),
                ("unit_dependency_get_name", Text), ("unit_dependency_get_filepath", Text),
                ("occurrence_get_symbol", ctypes.c_void_p), ("symbol_get_usr", Text), ("symbol_get_name", Text),
                ("occurrence_get_roles", ctypes.c_uint64), ("symbol_relation_get_roles", ctypes.c_uint64),
                ("symbol_relation_get_symbol", ctypes.c_void_p)):
            getattr(self.library, f"indexstore_{name}").restype = result
        error = ctypes.c_void_p()
        self.store = self.call("store_create", folder.encode(), ctypes.byref(error))
        if not self.store:
            sys.exit(f"no index in {folder}: build with swift build --build-tests first")

    def call(self, name, *arguments):
        wrapped = [ctypes.c_void_p(one) if isinstance(one, int) else one for one in arguments]
        return getattr(self.library, f"indexstore_{name}")(*wrapped)

    def each(self, name, reader, callback):
        self.call(f"{name}_apply_f", reader, None, APPLY(lambda _, item: callback(item) is not False))

    def records(self):
        """(source file, record) of every file that was compiled, each once."""
        found = {}
        units = []

        def note_unit(_, name):
            units.append(str(name))
            return True

        self.library.indexstore_store_units_apply_f(
            ctypes.c_void_p(self.store), ctypes.c_uint(0), None, APPLY_TEXT(note_unit))
        for unit in units:
            error = ctypes.c_void_p()
            reader = self.call("unit_reader_create", self.store, unit.encode(), ctypes.byref(error))
            main = str(self.call("unit_reader_get_main_file", reader))
            if main.startswith(ROOT + "/") and os.path.exists(main):

                def note(dependency, main=main):
                    if self.call("unit_dependency_get_kind", dependency) == RECORD:
                        if str(self.call("unit_dependency_get_filepath", dependency)) == main:
                            found.setdefault(main, []).append(str(self.call("unit_dependency_get_name", dependency)))

                self.each("unit_reader_dependencies", reader, note)
            self.call("unit_reader_dispose", reader)
        return found

    def occurrences(self, record, callback):
        error = ctypes.c_void_p()
        reader = self.call("record_reader_create", self.store, record.encode(), ctypes.byref(error))
        if not reader:
            return
        self.each("record_reader_occurrences", reader, callback)
        self.call("record_reader_dispose", reader)


def is_written_by_coders(usr):
    """Coding keys are met by name, and accessors go with their property or subscript."""
    return "CodingKeys" in usr or re.search(r"(v|ci)[gswWlauMr]Z?$", usr) is not None


def is_raw(source, line):
    """Whether the enumeration around a case has raw values: these come from texts, not from a name in the code."""
    for above in reversed(source[: line]):
        match = re.search(r"\benum \w+(.*)", above)
        if match:
            return re.search(r":.*\b(String|U?Int\d*|CodingKey)\b", match.group(1)) is not None
    return False


class Declaration:
    def __init__(self, name, file, line, kind):
        self.name, self.file, self.line, self.kind = name, file, line, kind


def read(index):
    declared, overrides, requirements = {}, collections.defaultdict(set), {}
    used, used_shipped = set(), set()
    for file, records in index.records().items():
        name = os.path.relpath(file, ROOT)
        shipped = name.startswith(SHIPPED)

        def note(occurrence):
            roles = index.call("occurrence_get_roles", occurrence)
            symbol = index.call("occurrence_get_symbol", occurrence)
            kind = index.call("symbol_get_kind", symbol)
            usr = str(index.call("symbol_get_usr", symbol))
            related = []
            index.each("occurrence_relations", occurrence, lambda relation: related.append(
                (index.call("symbol_relation_get_roles", relation), index.call("symbol_relation_get_symbol", relation)))
            )
            if roles & DEFINITION:
                for role, other in related:
                    if role & OVERRIDE_OF:
                        overrides[usr].add(str(index.call("symbol_get_usr", other)))
                    if role & CHILD_OF and index.call("symbol_get_kind", other) == PROTOCOL:
                        requirements[usr] = str(index.call("symbol_get_name", symbol))
                if not roles & IMPLICIT and kind in NAMED_KINDS and not is_written_by_coders(usr):
                    line, column = ctypes.c_uint(), ctypes.c_uint()
                    index.call("occurrence_get_line_col", occurrence, ctypes.byref(line), ctypes.byref(column))
                    declared[usr] = Declaration(
                        str(index.call("symbol_get_name", symbol)), name, line.value, kind)
            elif roles & REFERENCE:
                inside = {str(index.call("symbol_get_usr", other)) for _, other in related}
                if usr not in inside:
                    used.add(usr)
                    if shipped:
                        used_shipped.add(usr)

        for record in records:
            index.occurrences(record, note)
    return declared, overrides, requirements, used, used_shipped


def allowed():
    path = os.path.join(ROOT, "scripts", "dead_code.txt")
    if not os.path.exists(path):
        return set()
    with open(path, encoding="utf-8") as file:
        return {line.split()[0] for line in file if line.strip() and not line.startswith("#")}


def main() -> int:
    folder = os.path.join(sys.argv[1], "index", "store")
    declared, overrides, requirements, used, used_shipped = read(Index(folder))
    # The index does not say what a member implements that stands in another extension than the conformance.
    required = set(requirements.values())
    lines = {}
    let_pass, needed = allowed(), set()
    problems = []
    for usr, one in declared.items():
        if not one.file.startswith(SHIPPED) or usr in overrides or usr in used_shipped:
            continue
        if one.name in required and usr not in requirements:
            continue
        if one.file not in lines:
            with open(os.path.join(ROOT, one.file), encoding="utf-8") as file:
                lines[one.file] = file.read().splitlines()
        source = lines[one.file][one.line - 1] if one.line <= len(lines[one.file]) else ""
        if re.search(r"\bpublic\b|@main\b|@_cdecl", source):
            continue
        if one.kind == ENUM_CASE and is_raw(lines[one.file], one.line):
            continue
        if f"{one.file}:{one.name}" in let_pass:
            needed.add(f"{one.file}:{one.name}")
            continue
        where = "used by tests only" if usr in used else "used nowhere"
        problems.append((one.file, one.line, f"{one.file}:{one.line}: {one.name} is {where}"))
    problems += [(name, 0, f"{name} is used, and need not be in dead_code.txt") for name in let_pass - needed]
    for _, _, text in sorted(problems):
        print(text)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
