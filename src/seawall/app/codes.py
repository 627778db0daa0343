"""Every kind of fault `seawall check` can find, and what it means. `docs/reference/app.md` lists them all (a test holds that)."""

from __future__ import annotations

CODES: dict[str, str] = {
    # files and YAML
    "missing_file": "A file the app cannot do without is not there.",
    "misplaced_file": "A file has a name that Seawall would silently not read.",
    "unreadable_file": "A file is a link, a device, cannot be opened, or has an unusual name.",
    "too_large": "A file, the folder, or a document (aliases written out) is larger than an app may be.",
    "malformed_yaml": "The text is not YAML.",
    "yaml_feature": "A part of YAML that apps may not use: tags, several documents, keys that are not words, endless aliases.",
    "duplicate_key": "A mapping has the same key twice; most YAML readers would keep the last one silently.",
    # shape
    "wrong_type": "A value is of another kind: a text where a list belongs, and so on.",
    "unknown_key": "There is no such key here.",
    "missing_key": "A key that must be there is not.",
    "bad_choice": "The value is not one of those allowed.",
    "bad_value": "The value is of the right kind but not written as it must be.",
    "out_of_range": "A number is too small or too large.",
    "wrong_count": "A list, mapping or text has too few or too many parts.",
    "bad_name": "A name has characters that names may not have.",
    "reserved_name": "The name is taken by Seawall itself.",
    "bad_duration": "A duration is a whole number and a unit: 900ms, 30s, 5m, 24h, 7d, 2w.",
    "bad_attribute": "An attribute is written `user.NAME`.",
    # names that lead nowhere
    "unknown_dataset": "No dataset has this name.",
    "unknown_field": "No field has this name.",
    "ambiguous_field": "Several datasets have a field of this name; write `dataset.field`.",
    "unknown_metric": "No metric has this name.",
    "unknown_role": "The app has no such role.",
    "unknown_panel": "The page has no such panel.",
    "unknown_filter": "The page has no such filter.",
    "unknown_column": "The panel's query does not give this column.",
    "unknown_channel": "Charts have no such encoding channel.",
    "unknown_mark": "Charts have no such mark.",
    "unknown_locale": "A text is in a language that `locales` does not list.",
    # semantics
    "duplicate_name": "Two things of one kind have the same name.",
    "bad_source": "`source` is not a plain table name from the catalogue.",
    "bad_expression": "The expression is not valid, or uses something outside the allowed grammar.",
    "bad_extension": "The data of a SEAWALL extension is not the JSON it should be.",
    "missing_datatype": "The type of a field is not given.",
    "not_a_time_field": "A field used as time is not a date or a time.",
    "relationship_not_to_key": "A relationship does not lead to a key, so rows could be counted twice.",
    "ambiguous_path": "Several join paths are equally good, and none is preferred.",
    "not_groupable": "A metric or dataset has no many-to-one path to the field.",
    "mixed_engines": "One panel would read two databases.",
    # who may see what
    "dataset_without_policy": "Nothing says who may see a dataset, so nobody may, and the app does not publish.",
    "role_cycle": "Roles extend each other in a circle.",
    "bad_row_policy": "A row policy needs exactly one of `attribute`, `value` and `values` (none for null tests).",
    "mask_leaks": "Another field shows the column that a mask hides.",
    # what is asked and shown
    "bad_condition": "A condition is not written `field operator value`, or its value or operator does not fit the field.",
    "panel_kind": "A panel asks for metrics or shows rows of a dataset: one of the two, with the keys that belong to it.",
    "duplicate_column": "Two columns of one panel would have the same name.",
    "keyset_not_unique": "The keyset's fields are not unique together, so pages could repeat or lose rows.",
    "keyset_masked": "A policy hides a keyset field from someone, whose pages would then break.",
    "needs_time": "`last`, `compare` or a grain needs a time to work on.",
    "bad_chart": "The chart's keys contradict each other.",
    "bad_outage": "The outage rungs contradict each other.",
    "duplicate_panel": "Two panels of the app have the same name.",
    "panel_not_laid_out": "The panel is in no row of the layout.",
    "panel_laid_out_twice": "The panel is in the layout more than once.",
    # the warehouse
    "unknown_preparation": "No data preparation has this name.",
    "dry_run_failed": "The database refuses the panel's query.",
}
