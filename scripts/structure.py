"""Checks of the Swift package as a whole, which the compiler does not make. See CONTRIBUTING.md.

    structure.py imports    every target declares the modules that it imports, and no others
    structure.py layers     no target depends on one of its own layer or above (the picture in docs/architecture.md)
    structure.py tables     a table is written to by the modules that docs/architecture.md names for it, and no others
    structure.py names      no two types of the package have one name, and no type has its module's
    structure.py words      words that this project does not use (scripts/words.txt)
    structure.py all        all of them
"""

import collections
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHIPPED = ("Libraries", "Services", "Migrations", "Examples", "Benchmarks")
IMPORT = re.compile(r"^(?:@\w+ )*(?:public |package |internal )?import (?:(?:struct|class|func|enum|protocol) )?(\w+)", re.M)


def swift_files(*folders):
    for folder in folders:
        for path, folders_below, names in os.walk(os.path.join(ROOT, folder)):
            folders_below.sort()
            for name in sorted(names):
                if name.endswith(".swift"):
                    yield os.path.relpath(os.path.join(path, name), ROOT)


def text_of(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def targets():
    described = subprocess.run(
        # A folder of its own: a build that runs holds the usual one.
        ["swift", "package", "--scratch-path", os.path.join(ROOT, ".dev", "manifest"), "dump-package"],
        cwd=ROOT, capture_output=True, check=True, text=True)
    return json.loads(described.stdout)["targets"]


def own_files(target, all_targets):
    """The Swift files of a target: those below its folder that are of no other target."""
    inner = [other["path"] for other in all_targets
             if other is not target and other["path"].startswith(target["path"] + "/")]
    return [name for name in swift_files(target["path"]) if not any(name.startswith(path + "/") for path in inner)]


def dependencies(target):
    return {next(iter(one.values()))[0] for one in target["dependencies"]}


def check_imports():
    all_targets = targets()
    names = {target["name"] for target in all_targets}
    for target in all_targets:
        if target["type"] == "system" or not own_files(target, all_targets):
            continue
        imported = {module for name in own_files(target, all_targets) for module in IMPORT.findall(text_of(name))}
        imported = imported & names - {target["name"]}
        declared = dependencies(target)
        if target["type"] == "test":
            declared -= {"TestSupport"}
            imported -= {"TestSupport"}
        for module in sorted(imported - declared):
            yield f"Package.swift: {target['name']} imports {module} and does not declare it"
        for module in sorted(declared - imported):
            yield f"Package.swift: {target['name']} declares {module} and does not import it"


def layers():
    """The layers of docs/architecture.md: rows of a table, the lowest last, with the modules between backticks."""
    section = text_of("docs/architecture.md").split("## Layers", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [re.findall(r"`(\w+)`", row) for row in rows]


def check_layers():
    place = {}
    for index, modules in enumerate(reversed(layers())):
        for module in modules:
            if module in place:
                yield f"docs/architecture.md: {module} is in two layers"
            place[module] = index
    all_targets = targets()
    for target in all_targets:
        if not target["path"].startswith(("Libraries/", "Services/")) or target["type"] in ("system", "executable"):
            continue
        if not own_files(target, all_targets):
            continue
        name = target["name"]
        if name not in place:
            yield f"docs/architecture.md: {name} is in no layer"
            continue
        for other in sorted(dependencies(target)):
            if place.get(other, -1) >= place[name]:
                yield f"Package.swift: {name} depends on {other}, which is not below it (docs/architecture.md, Layers)"
    for name in sorted(set(place) - {target["name"] for target in all_targets}):
        yield f"docs/architecture.md: there is no target {name}"


WRITES = re.compile(r"\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+([a-z][a-z0-9_]+)\b")


def check_tables():
    """The statements that write to a table are in the modules that architecture.md names for it."""
    written = collections.defaultdict(set)
    for name in project_texts():
        if name.endswith(".swift") and name.startswith(("Libraries/", "Services/")):
            for match in WRITES.finditer(text_of(name)):
                written[match.group(1)].add(name.split("/")[1])
    text = text_of("docs/architecture.md").partition("\n## Tables\n")[2].partition("\n## ")[0]
    named = {}
    for table, owner, others in re.findall(r"^\| `(\w+)` \| `(\w+)` \|(.*)\|$", text, re.M):
        named[table] = {owner} | set(re.findall(r"`(\w+)`", others))
        if "every service" in others:
            named[table] = written[table] | {owner}
    for table in sorted(set(written) | set(named)):
        for module in sorted(written[table] - named.get(table, set())):
            yield f"docs/architecture.md: {module} writes to {table}, which Tables does not say"
        for module in sorted(named.get(table, set()) - written[table]):
            if table != "structure_events":
                yield f"docs/architecture.md: {module} does not write to {table}, whatever Tables says"


TYPE = re.compile(
    r"^((?:(?:public|package|private|fileprivate|final|indirect|nonisolated|open|@\w+(?:\([^)]*\))?) )*)"
    r"(?:class|struct|enum|actor|protocol|typealias) ([A-Z]\w*)", re.M)


def check_names():
    found = collections.defaultdict(list)
    modules = {target["name"] for target in targets()}
    for name in swift_files(*SHIPPED):
        for modifiers, type_name in TYPE.findall(text_of(name)):
            if type_name in modules:
                yield f"{name}: {type_name} is the name of a module, too"
            if "private" not in modifiers:
                found[type_name].append(name)
    for type_name, places in sorted(found.items()):
        if len(places) > 1:
            yield f"{', '.join(places)}: {type_name} is declared more than once"


TEXTS = (".swift", ".md", ".sh", ".py", ".js", ".h", ".c", ".yaml", ".sql", ".html", ".css", ".conf", ".toml")


def walked():
    """The files below the root, where this is no checkout."""
    for path, folders, names in os.walk(ROOT):
        folders[:] = [folder for folder in folders if folder not in (".git", ".dev", ".build")]
        for name in names:
            yield os.path.relpath(os.path.join(path, name), ROOT)


def project_texts():
    try:
        listed = subprocess.run(
            ["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard"], capture_output=True,
            text=True)
        names = listed.stdout.splitlines() if listed.returncode == 0 else walked()
    except OSError:
        names = walked()
    for name in names:
        if name.endswith(TEXTS) or name in ("dev", ".ci/run"):
            if os.path.isfile(os.path.join(ROOT, name)):
                yield name


def check_words():
    """Each line of words.txt: a regular expression, two blanks or more, what to say in its place."""
    rows = []
    for line in text_of("scripts/words.txt").splitlines():
        if line and not line.startswith("#"):
            pattern, better = re.split(r"  +", line, maxsplit=1)
            rows.append((re.compile(pattern), better))
    for name in project_texts():
        if name in ("scripts/words.txt", "docs/glossary.md"):
            continue
        text = text_of(name)
        for pattern, better in rows:
            for match in pattern.finditer(text):
                line = text.count("\n", 0, match.start()) + 1
                yield f"{name}:{line}: \"{match.group(0)}\": say {better}"


CHECKS = {"imports": check_imports, "layers": check_layers, "tables": check_tables, "names": check_names, "words": check_words}


def main() -> int:
    wanted = CHECKS if sys.argv[1] == "all" else {sys.argv[1]: CHECKS[sys.argv[1]]}
    problems = 0
    for check in wanted.values():
        for problem in check():
            print(problem)
            problems += 1
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
