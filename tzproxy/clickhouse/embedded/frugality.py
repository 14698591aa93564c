"""Owns what keeps the embedded engine small: allocator, configuration, settings. Data only. Not hot.

Figures of `benchmarks.lists`. An engine that does not know one of the settings passes over it.
"""

from __future__ import annotations

from typing import Final

ALLOCATOR: Final = (
    "narenas:1,percpu_arena:disabled,dirty_decay_ms:1000,muzzy_decay_ms:0,background_thread:true"
)
"""How the engine's allocator (jemalloc) works: memory goes back a second after a query, not ten.
With
an arena per core a second query would not find what the first one has freed on another core."""

UNUSED_MODULES: Final = ("numpy", "pandas", "pyarrow")
"""chdb imports these, if it finds them, when its first connection opens: 28 MB for forms of results that a
process with only the store in it never asks for."""

CONFIG: Final = """<clickhouse>
  <merge_tree>
    <!-- Beyond this number of merged parts the engine removes them with 128 threads, which would stay. -->
    <concurrent_part_removal_threshold>1000000</concurrent_part_removal_threshold>
    <!-- A row is read with all rows of its granule: with 10 MiB, twenty rows cost 0.1 s. Existing parts keep
         their granules until they are merged. -->
    <index_granularity_bytes>1048576</index_granularity_bytes>
    <merge_max_block_size_bytes>1048576</merge_max_block_size_bytes>
    <compact_parts_max_bytes_to_buffer>16777216</compact_parts_max_bytes_to_buffer>
    <!-- How many parts of about one size pile up before they are merged: with 5, merging took half as much
         time as inserting, with 10 a quarter. -->
    <merge_selector_base>10</merge_selector_base>
  </merge_tree>
  <!-- How often each of the tables is looked at for something to merge; an insert has its table looked at
       anyway. With 0.1 s and 10 s an idle engine took 0.3 % of a core more. -->
  <background_processing_pool_thread_sleep_seconds_if_nothing_to_do>
    5
  </background_processing_pool_thread_sleep_seconds_if_nothing_to_do>
  <background_processing_pool_thread_sleep_seconds>20</background_processing_pool_thread_sleep_seconds>
  <background_processing_pool_task_sleep_seconds_when_no_work_min>
    20
  </background_processing_pool_task_sleep_seconds_when_no_work_min>
</clickhouse>
"""
"""What is taken only from a file."""

SETTINGS: Final[dict[str, str | int]] = {
    "max_block_size": 16_384,
    # A list of 100,000 inferences held 280 MB more with it, and took no less time.
    "output_format_parallel_formatting": 0,
    # `parallel_hash` makes a table for each thread.
    "join_algorithm": "direct,hash",
    # It would make the hash table of whole inferences instead of the few columns that are joined to them.
    "query_plan_join_swap_table": 0,
    # 50 MB of rows would be collected before they are aggregated.
    "aggregation_in_order_max_block_bytes": 1 << 20,
    # Otherwise a sort goes to disk only when the query also holds a quarter of all memory.
    "max_bytes_ratio_before_external_sort": 0,
    "prefer_external_sort_block_bytes": 2 << 20,
    "temporary_files_buffer_size": 1 << 18,
    # The compiler alone takes 15 MB, and saves no measurable time.
    "compile_expressions": 0,
    "compile_aggregate_expressions": 0,
    "compile_sort_description": 0,
    # The first error would load the engine's symbols: 30 MB that stay.
    "calculate_text_stack_trace": 0,
}
"""Defaults of every statement; a request may ask otherwise."""
