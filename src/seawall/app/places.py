"""Where the parts of an app without faults stand in its files, for those who find fault with it later."""

from __future__ import annotations

from pathlib import Path

from seawall.app.faults import Report
from seawall.app.folder import APP_FILE, read_folder
from seawall.app.yaml_reader import parse_yaml
from seawall.app.yaml_tree import Mark, Node


class Places:
    """The places of a sound app's folder, read again when asked for."""

    def __init__(self, folder: Path) -> None:
        files = read_folder(folder, Report())
        self._app = parse_yaml(files.files[APP_FILE], APP_FILE)[0]
        self._models = [parse_yaml(data, path)[0] for path, data in files.semantic().items()]

    def of(self, *path: str) -> Node:
        """The entry of app.yaml at a path of keys, standing where its key stands; the nearest one above when there is none."""
        node = self._app
        for key in path:
            child = node.get(key)
            if child is None:
                break
            node = child
        return Node(None, node.key_mark(), node.where)

    def metric(self, name: str) -> Node:
        """Where a metric is declared."""
        return self._named("metrics", name)

    def dataset(self, name: str) -> Node:
        """Where a dataset is declared."""
        return self._named("datasets", name)

    def field(self, dataset: str, name: str) -> Node:
        """Where a field is declared."""
        return _child(self.dataset(dataset), "fields", name) or self.dataset(dataset)

    def _named(self, key: str, name: str) -> Node:
        models = [model for root in self._models for model in (root.get("semantic_model") or root).items()]
        found = (child for model in models if (child := _child(model, key, name)) is not None)
        return next(found, Node(None, Mark(APP_FILE)))


def _child(node: Node, key: str, name: str) -> Node | None:
    children = node.get(key)
    for child in children.items() if children is not None else ():
        word = child.get("name")
        if word is not None and word.text() == name:
            return child
    return None
