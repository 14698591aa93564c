"""The first half of reflection: why did this answer score as it did? Cold."""

from __future__ import annotations

import re
from typing import Literal, get_args

from msgspec import Struct, json

from tzproxy.inference.answer import Answer
from tzproxy.optimization.gepa.context import pretty, section, shown_templates
from tzproxy.optimization.gepa.errors import ReplyError
from tzproxy.optimization.gepa.reflection import ANALYZE, Reflection
from tzproxy.optimization.gepa.trial import Answered
from tzproxy.types.content import Text

Finding = Literal["report_error", "report_improvement", "report_optimal"]
REPORT = re.compile(rf"<({'|'.join(get_args(Finding))})>(.*?)</\1>", re.DOTALL)
SHOWN = 300
"""Characters of a reply that an error quotes."""

INSTRUCTIONS = """\
You find out how the prompt templates of a software function could serve it better. The function asks a
language model; its templates, in the MiniJinja language, turn each input into that model's prompt.
Evaluators score what the model answers.

You get a description of the function and of its evaluators, the templates in use, and one case: the
input, the answer, the reference answer if there is one, and the scores.

Trace the scores back to the templates. Ask what they say, leave open, or say misleadingly that made the
model answer this way; which knowledge of the task the model lacked; which rule would have led to a better
answer. Your report will be read beside reports on other cases by an editor who rewrites the templates, so
state what holds for inputs of this kind. Never advise to put this case's own data, or its reference
answer, into a template.

Reply with one report and nothing around it. There are three kinds:

If the answer is wrong, or an evaluator turned it down:
<report_error>
<reasoning>how you came to the diagnosis</reasoning>
<diagnosis>what is wrong with the answer, and what in the templates led to it</diagnosis>
<suggestion>which template to change, and how</suggestion>
</report_error>

If the answer will do but could be better:
<report_improvement>
<reasoning>how you came to the diagnosis</reasoning>
<diagnosis>what could be better, and what in the templates stands in its way</diagnosis>
<suggestion>which template to change, and how</suggestion>
</report_improvement>

If nothing could be better:
<report_optimal>
<reasoning>why the answer is as good as it can be</reasoning>
<patterns>what in the templates made it so, and has to stay</patterns>
</report_optimal>
"""


class Analysis(Struct, frozen=True):
    """A report on one answer."""

    finding: Finding
    report: str
    """As it was written, within its tags."""
    of: Answered


async def analyse(
    reflection: Reflection, model: str, *, background: str, templates: dict[str, str], case: Answered
) -> Analysis:
    """Have a model look at one answer.

    Raises:
        ReplyError: when the reply is no report.
        TzproxyError: when the model cannot be asked or does not answer.
    """
    answer = await reflection.ask(
        ANALYZE, model, instructions=INSTRUCTIONS, text=question(background, templates, case)
    )
    finding, report = read_report(text_of(answer))
    return Analysis(finding, report, case)


def question(background: str, templates: dict[str, str], case: Answered) -> str:
    """Write what the model is shown."""
    return "\n\n".join([background, section("templates", shown_templates(templates)), shown_case(case)])


def shown_case(case: Answered) -> str:
    """Write one case for a model to read: what was asked and answered, and what that was worth."""
    parts = [section("input", _spread(case.input)), section("answer", _spread(case.output))]
    if case.reference is not None:
        parts.append(section("reference_answer", _spread(case.reference)))
    parts.append(section("scores", pretty(dict(case.values))))
    if case.errors:
        parts.append(section("evaluators_that_failed", pretty(dict(case.errors))))
    return section("case", "\n".join(parts))


def _spread(text: str) -> str:
    return json.format(text, indent=2)


def text_of(answer: Answer) -> str:
    """Return the text of a chat answer; thoughts are not part of it."""
    return "".join(block.text for block in answer.content or () if isinstance(block, Text))


def read_report(text: str) -> tuple[Finding, str]:
    """Find the report in a reply; the first one counts.

    Raises:
        ReplyError: when there is none.
    """
    found = REPORT.search(text)
    if found is None or not found[2].strip():
        raise ReplyError(f"the analysis model replied without a report: {text[:SHOWN]!r}")
    return found[1], found[0]  # type: ignore[return-value]  # the pattern has these three only
