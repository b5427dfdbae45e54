"""Reads the imports of Rust crates and prints those that the house forbids: see ci/imports.

An import is a `use`, or a path elsewhere that begins with crate, super, self or a child, outside of
tests. It counts for the file that defines the name. The lines that put a module together (`mod`,
and `pub use` of a child) do not count.
"""

import re
import sys
from pathlib import Path

# The files of a system's folder that the others may import, from the lowest one up. All others are
# capabilities, which do not import each other.
FLOORS = {
    "platform/src/linux": ["sys", "sysfs", "file_id", "object", "device_dax", "place"],
}

TOKEN = re.compile(
    r"""
    //[^\n]* | /\*.*?\*/
    | b?r(?P<hashes>\#*)".*?"(?P=hashes) | [bc]?"(?:\\.|[^"\\])*"
    | b?'(?:\\[^']*|[^'\\\n]|\\'|\\\\)' | '[A-Za-z_]\w*
    | (?P<token>\$?(?:r\#)?[A-Za-z_]\w* | :: | [^\s\w] | \d\w*) | \n
    """,
    re.VERBOSE | re.DOTALL,
)
ITEMS = {"fn", "struct", "enum", "union", "trait", "type", "const", "static", "macro_rules"}
# An attribute of code that only tests see.
TESTS = re.compile(r"cfg\((test\b|all\(test\b|any\(test,fuzzing\)|fuzzing)")


def tokens(text):
    """Returns each token with its line, without comments and literals."""
    found, line = [], 1
    for match in TOKEN.finditer(text):
        if match["token"]:
            found.append((match["token"], line))
        line += match[0].count("\n")
    return found


def closing(stream, at):
    """Returns the place after the bracket that closes the one there."""
    depth = 0
    while True:
        depth += (stream[at][0] in "([{") - (stream[at][0] in ")]}")
        at += 1
        if depth == 0:
            return at


def skip(stream, at):
    """Returns the place after the item there: after its semicolon, or its braces."""
    while stream[at][0] != ";":
        if stream[at][0] in "([{":
            last = stream[at][0] == "{"
            at = closing(stream, at)
            if last:
                return at
        else:
            at += 1
    return at + 1


def leaves(words, prefix=()):
    """Takes the words of a tree of `use`; yields each path with the name that it gets."""
    path, name = list(prefix), None
    while words:
        word = words.pop(0)
        if word == "{":
            yield from leaves(words, path)
            path = None
        elif word in (",", "}"):
            if path and path != list(prefix):
                yield path, name or path[-1]
            path, name = list(prefix), None
            if word == "}":
                return
        elif word == "as":
            name = words.pop(0)
        elif word == "self" and path:
            name = path[-1]
            yield path, name
            path = None
        elif word != "::":
            path.append(word)
    if path and path != list(prefix):
        yield path, name or path[-1]


class Module:
    def __init__(self, file, parent):
        self.file, self.parent = file, parent
        # Its modules, its items, the path of each imported name, the paths that end with `*`.
        self.children, self.items, self.names, self.globs = {}, set(), {}, []


class Crate:
    def __init__(self, file):
        self.imports = []  # of a module, at a line: a path
        self.root = Module(file, None)
        self.read(self.root, tokens(file.read_text()), file.parent)

    def read(self, module, stream, folder):
        """Reads a module of these tokens, whose children have their files in the folder."""
        at, depth, attributes, public = 0, 0, "", False
        while at < len(stream):
            token, line = stream[at]
            following = stream[at + 1][0] if at + 1 < len(stream) else ""
            if token == "#" and following in "[!":
                end = closing(stream, at + 1 + (following == "!"))
                attributes += "".join(word for word, _ in stream[at:end])
                at = end
                continue
            if token == "pub":
                public = True
                at = closing(stream, at + 1) if following == "(" else at + 1
                continue
            if TESTS.search(attributes):
                at = skip(stream, at)
            elif token == "mod" and following.isidentifier():
                at = self.child(module, stream, at + 1, folder)
            elif token == "use" and following != "<":
                end = skip(stream, at)
                for path, name in leaves([word for word, _ in stream[at + 1 : end - 1]]):
                    self.use(module, path, name, line, public, depth == 0)
                at = end
            elif token in ITEMS and depth == 0 and following not in ITEMS | {"unsafe", "extern"}:
                module.items.add(stream[at + 2][0] if following in ("!", "mut") else following)
                at += 2
            elif following == "::" and re.match(r"\w", token) and stream[at - 1][0] != "::":
                path = [token]
                while stream[at + 1][0] == "::" and re.match(r"\w", stream[at + 2][0]):
                    path.append(stream[at + 2][0])
                    at += 2
                if token in module.children or token in ("crate", "super", "self"):
                    self.imports.append((module, path, line))
                at += 1
            else:
                depth += (token == "{") - (token == "}")
                at += 1
                if token not in ";{}":
                    continue
            attributes, public = "", False

    def child(self, module, stream, at, folder):
        """Reads the module whose name is there; returns the place after it."""
        name, end = stream[at][0], skip(stream, at)
        files = [module.file]
        if stream[at + 1][0] == ";":
            files = [folder / f"{name}.rs", folder / name / "mod.rs"]
            text = module.file.read_text()
            files += [
                module.file.parent / file
                for file in re.findall(r'path = "([^"]+)"[^;]*\bmod ' + name + ";", text)
            ]
        for file in filter(Path.exists, files):
            inner = Module(file, module)
            module.children[name] = inner
            inside = stream[at + 2 : end - 1] if file == module.file else tokens(file.read_text())
            self.read(inner, inside, folder / name)
        return end

    def use(self, module, path, name, line, public, outside):
        """Notes an import, unless it puts the module together."""
        if outside and name == "*":
            module.globs.append(path[:-1])
        elif outside:
            module.names[name] = path
        head = path[1] if path[0] == "self" else path[0]
        if not (public and head in module.children):
            self.imports.append((module, path, line))

    def find(self, module, path, depth=0, inside=False):
        """Returns who defines a path's name, a file or another crate, and who passes it on."""
        head, rest = path[0], path[1:]
        if head in ("crate", "super", "self"):
            module = {"crate": self.root, "super": module.parent, "self": module}[head]
            if not rest or rest[0] in ("*", "self"):
                return module.file, set()
            return self.find(module, rest, depth, True)
        if head in module.items:
            return module.file, set()
        if head in module.children:
            return self.find(module.children[head], rest or ["self"], depth, True)
        known = module.names.get(head)
        if depth > 10:
            return head, set()
        if known and known[0] != head:
            found, passed = self.find(module, known + rest, depth + 1)
            return found, passed | {module.file}
        for path_of_glob in module.globs:
            found, passed = self.find(module, path_of_glob + path, depth + 1)
            if isinstance(found, Path):
                return found, passed | {module.file}
        # A macro may define it.
        return module.file if inside and not known else head, set()


def circles(edges):
    """Returns the sets of files that import each other, directly or through others."""

    def reached(file):
        found, waiting = set(), [file]
        while waiting:
            new = set(edges.get(waiting.pop(), ())) - found
            found |= new
            waiting += new
        return found

    reach = {file: reached(file) for file in edges}
    each = (frozenset(f for f in reach if f in reach[g] and g in reach[f]) for g in reach)
    return set(each) - {frozenset()}


def runs_up(file, other):
    """Returns why the first file may not import the second, if so."""
    if other.name == "lib.rs" or other.name == "mod.rs" and other.parent in file.parents:
        return f"{other.name} stands above it"
    for name, floors in FLOORS.items():
        folder = Path(name)
        if folder in file.parents and folder in other.parents:
            files = (f.relative_to(folder).parts[0].removesuffix(".rs") for f in (file, other))
            here, there = files
            if here in (there, "mod"):
                return None
            if there not in floors or here in floors and floors.index(here) < floors.index(there):
                return f"{here} does not stand on {there}"
    return None


def main():
    count, edges, complaints = 0, {}, set()
    for crate in (Crate(Path(root)) for root in sys.argv[1:]):
        for module, path, line in crate.imports:
            found, passed = crate.find(module, path)
            where = f"{module.file}:{line}: {'::'.join(path)}"
            through = {f.name for f in passed - {module.file}} & {"lib.rs", "main.rs", "mod.rs"}
            if found != module.file and through:
                complaints.add(f"{where}: defined by {found}, imported through {through.pop()}")
            if isinstance(found, Path) and found != module.file:
                count += 1
                edges.setdefault(module.file, {})[found] = where
                if why := runs_up(module.file, found):
                    complaints.add(f"{where}: {why}")
    for circle in circles(edges):
        pairs = [(a, b) for a in sorted(circle) for b in sorted(circle & set(edges[a]))]
        lines = [f"    {edges[a][b]}: {b}" for a, b in pairs]
        complaints.add("\n".join([f"{min(circle)}: a circle of {len(circle)} files", *lines]))
    print("\n".join(sorted(complaints)))
    print(f"{count} imports, {len(complaints)} complaints")
    return len(complaints) > 0


sys.exit(main())
