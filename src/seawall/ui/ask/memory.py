"""The named queries of `store/sql/asked.sql` in a dictionary, for tests that need no process."""

from __future__ import annotations

from datetime import UTC, datetime

from seawall.store.database import Row
from seawall.store.memory_database import MemoryDatabase


class AskedMemoryDatabase(MemoryDatabase):
    """A `MemoryDatabase` that knows verdicts and kept answers."""

    def q_record_verdict(self, *, count_max: int, **columns: object) -> list[Row]:
        """Twin of record_verdict."""
        table = self.table("asked")
        if sum(row["app"] == columns["app"] for row in table.values()) >= count_max:
            return []
        row = {"id": max(table, default=0) + 1, "day": datetime.fromtimestamp(self.clock.time(), UTC).date(), **columns}
        table[row["id"]] = row
        return [row]

    def q_golden_candidates(self, *, app: str, limit: int) -> list[Row]:
        """Twin of golden_candidates."""
        rows = sorted((row for row in self.table("asked").values() if row["app"] == app), key=lambda row: -row["id"])
        return [{name: value for name, value in row.items() if name != "app"} for row in rows[:limit]]

    def q_forget_candidates(self, *, app: str, up_to: int) -> list[Row]:
        """Twin of forget_candidates."""
        table = self.table("asked")
        return [table.pop(key) for key, row in list(table.items()) if row["app"] == app and key <= up_to]

    def q_keep_answer(self, *, app: str, tenant: str, owner: str, title: str, params: str, count_max: int) -> list[Row]:
        """Twin of keep_answer."""
        own, table = self._own(app, tenant, owner), self.table("kept_answers")
        known = next((row for row in own if row["params"] == params), None)
        if len(own) - (known is not None) >= count_max:
            return []
        if known is not None:
            known["title"] = title
            return [{"id": known["id"]}]
        id_ = max(table, default=0) + 1
        place = max((row["place"] for row in own), default=0) + 1
        table[id_] = {"id": id_, "app": app, "tenant": tenant, "owner": owner, "title": title, "params": params, "place": place}
        return [{"id": id_}]

    def q_kept_answers(self, *, app: str, tenant: str, owner: str) -> list[Row]:
        """Twin of kept_answers."""
        return [{name: row[name] for name in ("id", "title", "params")} for row in self._own(app, tenant, owner)]

    def q_rename_kept_answer(self, *, id: int, app: str, tenant: str, owner: str, title: str) -> list[Row]:
        """Twin of rename_kept_answer."""
        found = [row for row in self._own(app, tenant, owner) if row["id"] == id]
        for row in found:
            row["title"] = title
        return found

    def q_move_kept_answer(self, *, id: int, app: str, tenant: str, owner: str, up: bool) -> list[Row]:
        """Twin of move_kept_answer."""
        own = self._own(app, tenant, owner)
        at = next((place for place, row in enumerate(own) if row["id"] == id), None)
        to = None if at is None else at + (-1 if up else 1)
        if at is None or to is None or not 0 <= to < len(own):
            return []
        own[at]["place"], own[to]["place"] = own[to]["place"], own[at]["place"]
        return [own[at], own[to]]

    def q_drop_kept_answer(self, *, id: int, app: str, tenant: str, owner: str) -> list[Row]:
        """Twin of drop_kept_answer."""
        return [self.table("kept_answers").pop(row["id"]) for row in self._own(app, tenant, owner) if row["id"] == id]

    def _own(self, app: str, tenant: str, owner: str) -> list[Row]:
        rows = [row for row in self.table("kept_answers").values() if (row["app"], row["tenant"], row["owner"]) == (app, tenant, owner)]
        return sorted(rows, key=lambda row: (row["place"], row["id"]))
