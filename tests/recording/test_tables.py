"""Table numbers are on disk."""

from tzproxy.recording.tables import TABLE_NAMES, Table, no_rows, table_name


def test_numbers_and_names_never_change() -> None:
    """Each id stands for one ClickHouse table, now and in every later version."""
    assert [(table.value, table.table_name) for table in Table] == [
        (0, "ChatInference"),
        (1, "JsonInference"),
        (2, "ModelInference"),
        (3, "ModelInferenceCache"),
        (4, "BooleanMetricFeedback"),
        (5, "FloatMetricFeedback"),
        (6, "CommentFeedback"),
        (7, "DemonstrationFeedback"),
        (8, "StaticEvaluationHumanFeedback"),
        (9, "BatchRequest"),
        (10, "BatchModelInference"),
    ]
    assert TABLE_NAMES[2] == table_name(2) == "ModelInference"


def test_unknown_numbers_have_a_name() -> None:
    """An id written by a newer version does not stop the recorder."""
    assert table_name(31) == "table-31"
    assert len(no_rows()) == 32
